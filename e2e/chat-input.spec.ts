import { answers, ask, bubbles, expect, field, quick, send, test } from "./support/chat-test.ts";
import { paste } from "./support/paste.ts";

test("Shift+Enter makes a line and Enter during composition sends nothing", async ({ page, chat }) => {
  await chat.open(page, quick);
  await field(page).fill("日本");
  await field(page).press("Shift+Enter");
  await expect(field(page)).toHaveValue("日本\n");
  await field(page).dispatchEvent("keydown", { key: "Enter", isComposing: true });
  await field(page).dispatchEvent("keydown", { key: "Enter", keyCode: 229 });
  await expect(bubbles(page)).toHaveCount(0);
  await field(page).press("Enter");
  await expect(bubbles(page)).toHaveText("日本");
  await field(page).press("ArrowUp");
  const editor = page.getByRole("textbox", { name: "Edit message" });
  await editor.fill("日本語");
  await editor.dispatchEvent("keydown", { key: "Enter", keyCode: 229 });
  await expect(editor).toHaveValue("日本語");
});

test("blank text is not sent, and lone surrogates are mended", async ({ page, chat }) => {
  await chat.open(page, quick);
  await paste(page, field(page), "\n".repeat(10_000));
  await expect(field(page)).toHaveValue("\n".repeat(10_000));
  await field(page).press("Enter");
  await expect(bubbles(page)).toHaveCount(0);
  await field(page).evaluate((element: HTMLTextAreaElement) => {
    element.value = "a\ud800b";
    element.dispatchEvent(new InputEvent("input", { bubbles: true }));
  });
  await field(page).press("Enter");
  await expect(bubbles(page)).toHaveText("a\ufffdb");
});

test("a long question is shown by its beginning", async ({ page, chat }) => {
  await chat.open(page, { ...quick, contextLength: 8192 });
  await field(page).evaluate((element: HTMLTextAreaElement) => {
    element.value = "lorem ipsum dolor ".repeat(6000);
    element.dispatchEvent(new InputEvent("input", { bubbles: true }));
  });
  await expect(page.getByText(/This message takes about \d+,\d00 tokens; the model can read/)).toBeVisible();
  await field(page).press("Enter");
  await expect(page.getByRole("button", { name: "Show all 107,999 characters" })).toBeVisible();
  await expect(page.getByRole("alert").filter({ hasText: "longer than the model can read" })).toBeVisible();
});

test("two sends at once make one message", async ({ page, chat }) => {
  await chat.open(page, { ...quick, holdAfterWords: 1 });
  await send(page, "one");
  await field(page).fill("two");
  await field(page).press("Enter");
  await expect(bubbles(page)).toHaveText(["one"]);
  await expect(field(page)).toHaveValue("two");
});

test("shortcuts open a new chat, the settings and their own list; ↑ edits the last message", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "First");
  await field(page).press("ArrowUp");
  await expect(page.getByRole("textbox", { name: "Edit message" })).toBeFocused();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+Shift+O");
  await expect(page.getByText("What is on your mind?")).toBeVisible();
  await page.keyboard.press("Control+/");
  await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("every control has a name", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "```js\nlet a;\n```" });
  await ask(page, "First");
  const nameless = await page.locator("button, a, input, textarea, summary").evaluateAll((elements) =>
    elements
      .filter((element) => {
        const labels = (element as HTMLInputElement).labels;
        return (
          (element.getAttribute("aria-label") ?? "") === "" && (element.textContent ?? "").trim() === "" && (labels?.length ?? 0) === 0
        );
      })
      .map(({ outerHTML }) => outerHTML),
  );
  expect(nameless).toEqual([]);
});

test.describe("a phone @phone", () => {
  test("conversations are a drawer that closes when one is chosen", async ({ page, chat }) => {
    await chat.open(page, quick);
    await field(page).fill("First");
    await page.getByRole("button", { name: "Send", exact: true }).tap();
    await expect(answers(page)).toHaveCount(1);
    await page.getByRole("button", { name: "New chat" }).tap();
    await page.getByRole("button", { name: "Show conversations" }).tap();
    const drawer = page.getByRole("navigation", { name: "Conversations" });
    await drawer.getByRole("link", { name: "First" }).tap();
    await expect(drawer).toBeHidden();
    await expect(bubbles(page)).toHaveText("First");
  });

  test("nothing is wider than a screen of 320 pixels", async ({ page, chat }) => {
    await page.setViewportSize({ width: 320, height: 568 });
    const answer = `${"unbreakable".repeat(20)}\n\n| a | b |\n| - | - |\n| ${"wide ".repeat(40)} | 2 |\n\n\`\`\`\n${"code ".repeat(60)}\n\`\`\``;
    await chat.open(page, { ...quick, answer });
    const overflow = async () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(await overflow()).toBeLessThanOrEqual(0);
    await field(page).fill("long".repeat(100));
    await page.getByRole("button", { name: "Send", exact: true }).tap();
    await expect(answers(page)).toHaveCount(1);
    expect(await overflow()).toBeLessThanOrEqual(0);
    expect(await page.locator(".scroller").evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(0);
    await page.keyboard.press("Control+,");
    const settings = page.getByRole("dialog", { name: "Settings" });
    await expect(settings.getByText("Graphics card", { exact: true })).toBeVisible();
    expect(await settings.evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(0);
  });
});
