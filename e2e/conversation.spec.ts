import { expect, test } from "./support/fixtures.ts";
import { MeteredOrigin } from "./support/metered-origin.ts";

const QUESTION = "What is the capital of France?";
const ANSWER = "The capital of France is Paris.";
const MODEL_BYTES = 98_362_432;

const LONGER_QUESTION = "Tell me about the sea.";

/** Two slow cores may run another test's browser or a compiler at once. */
const READY = { timeout: 120_000 };
const ANSWERED = { timeout: 120_000 };

test("a person loads the model, asks, reads the answer, and finds both again after a reload", async ({ page, baseURL }) => {
  test.setTimeout(300_000);
  const origin = await MeteredOrigin.start(baseURL ?? "");
  const card = page.getByRole("region", { name: "Model" });
  const answer = page.locator(".answer");
  const ready = page.getByRole("heading", { name: "What is on your mind?" });

  await test.step("the first visit downloads the model, in phases; a reload in the middle loses nothing of it", async () => {
    origin.speed = 40e6;
    await page.goto(origin.url);
    await card.getByRole("button", { name: "Load model · 98 MB" }).click();
    const progress = card.getByRole("progressbar", { name: "Downloading" });
    // Two chunks are stored by then.
    await expect.poll(async () => Number(await progress.getAttribute("value")), { timeout: 60_000, intervals: [50] }).toBeGreaterThan(50e6);
    await page.reload();
    await expect(card).toContainText("of 98 MB are here already.");
    origin.speed = Infinity;
    await card.getByRole("button", { name: "Continue the download" }).click();
    await expect(ready).toBeVisible(READY);
    expect(origin.ranges).toHaveLength(2);
    const resumedAt = Number(/^bytes=(\d+)-$/.exec(origin.ranges[1] ?? "")?.[1]);
    expect(resumedAt).toBeGreaterThan(0);
    expect(resumedAt).toBeLessThan(MODEL_BYTES);
  });

  await test.step("the answer to a question is the greedy one, and comes piece by piece", async () => {
    await page.keyboard.press("Control+,");
    const settings = page.getByRole("dialog", { name: "Settings" });
    for (const [label, value] of [
      ["Temperature, as a number", "0"],
      ["Repetition penalty, as a number", "1"],
      ["Longest answer, in tokens", "24"],
    ] as const) {
      await settings.getByLabel(label).fill(value);
      await settings.getByLabel(label).press("Tab");
    }
    await settings.getByRole("button", { name: "Close" }).click();

    // What a reader sees, frame by frame.
    await page.evaluate(() => {
      const seen = ((window as unknown as { seen: string[] }).seen = []) as string[];
      const look = (): void => {
        const text = document.querySelector(".answer.streaming .markdown, .answer.streaming")?.textContent ?? "";
        if (text !== "" && text !== seen.at(-1)) seen.push(text);
        requestAnimationFrame(look);
      };
      look();
    });
    const ask = async (question: string): Promise<void> => {
      await page.getByRole("textbox", { name: "Message", exact: true }).fill(question);
      await page.getByRole("button", { name: "Send" }).click();
      await expect(page.getByText(question, { exact: true }).first()).toBeVisible();
      await expect(page.getByRole("button", { name: "Send" })).toBeVisible(ANSWERED);
    };
    await ask(QUESTION);
    await expect(answer).toContainText(ANSWER);
    await ask(LONGER_QUESTION);
    const seen = await page.evaluate(() => (window as unknown as { seen: string[] }).seen);
    expect(seen.length).toBeGreaterThan(10);
  });

  await test.step("an answer that its limit cut off goes on where it stopped, and another one stands beside it; neither is read anew", async () => {
    const last = answer.last();
    const idle = page.getByRole("button", { name: "Send" });
    const begun = await last.locator(".markdown").innerText();
    await last.getByRole("button", { name: "Continue" }).click({ timeout: 10_000 });
    await expect(idle).toBeVisible(ANSWERED);
    const whole = await last.locator(".markdown").innerText();
    expect(whole.length).toBeGreaterThan(begun.length + 20);
    expect(whole.startsWith(begun)).toBe(true);
    // All but the answer's last token, which had not been run.
    const read = (title: string | null) =>
      /^Read ([\d,]+) tokens, ([\d,]+) tokens of it still known/
        .exec(title ?? "")
        ?.slice(1)
        .map(Number);
    const [tokens = 0, known = 0] = read(await last.locator(".stats").getAttribute("title")) ?? [];
    expect(tokens - known).toBeLessThanOrEqual(4);
    expect(known).toBeGreaterThan(50);

    await last.getByRole("button", { name: "Answer again" }).click();
    await expect(last.getByRole("group", { name: "Versions of this answer" })).toHaveText("Version 2/ of 2");
    await expect(idle).toBeVisible(ANSWERED);
    expect((await last.locator(".markdown").innerText()).slice(0, 20)).toBe(begun.slice(0, 20));
    const [question = 0, shared = 0] = read(await last.locator(".stats").getAttribute("title")) ?? [];
    expect(question - shared).toBeLessThanOrEqual(2);
    await last.getByRole("button", { name: "Previous version of this answer" }).click();
    await expect.poll(async () => last.locator(".markdown").innerText()).toBe(whole);
  });

  await test.step("after a reload the conversation is there, and the stored model starts without the network", async () => {
    await page.reload();
    await expect(page.getByRole("heading", { level: 1 })).toContainText("capital of France");
    await expect(answer.first()).toContainText(ANSWER);
    await card.getByRole("button", { name: "Start", exact: true }).click();
    await expect(card).toBeHidden(READY);
    await expect(page.getByRole("textbox", { name: "Message", exact: true })).toBeFocused();
    expect(origin.ranges).toHaveLength(2);
  });

  await origin.close();
});
