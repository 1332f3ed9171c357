import { ask, bubbles, expect, field, quick, send, test } from "./support/chat-test.ts";

test("an answer streams, and says how many tokens came how fast", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "One **two** three." });
  await ask(page, "Count.");
  await expect(page.locator(".answer strong")).toHaveText("two");
  await expect(page.locator(".stats")).toHaveText(/^3 tokens · [\d,.]+ per second · first (at once|after \d\.\d s)$/);
  await expect(page).toHaveTitle("Count. · Longtab");
});

test("an answer begins with how much of a long prompt was read", async ({ page, chat }) => {
  await chat.open(page, { ...quick, holdReading: true });
  await send(page, "word ".repeat(400));
  await expect(page.getByText(/Reading \d+ of 5\d\d tokens/)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator(".stats")).toHaveText("stopped");
});

test("an answer stops on Esc and keeps what came", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "One two three four.", holdAfterWords: 2 });
  await send(page, "Count.");
  await expect(page.locator(".answer")).toContainText("One two three");
  await page.keyboard.press("Escape");
  await expect(page.locator(".stats")).toHaveText(/^3 tokens · [\d,.]+ per second · first (at once|after \d\.\d s) · stopped$/);
  await expect(page.locator(".answer")).toContainText("One two three");
  await expect(page.getByRole("button", { name: "Send", exact: true })).toBeVisible();
});

test("a deleted message comes back on undo", async ({ page, chat }) => {
  await chat.open(page, quick);
  for (const question of ["one", "two"]) await ask(page, question);
  await bubbles(page).first().hover();
  await page.getByRole("button", { name: "Delete message and answer" }).first().click();
  await expect(bubbles(page)).toHaveText(["two"]);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(bubbles(page)).toHaveText(["one", "two"]);
});

test("an answer that ended at its limit, or was stopped, goes on where it stopped", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "One two three four five.", endAfterWords: 2 });
  await ask(page, "Count.");
  await expect(page.locator(".stats")).toContainText("ended at the limit");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.locator(".answer")).toContainText("One two three four");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.locator(".answer .markdown")).toHaveText("One two three four five.");
  await expect(page.getByRole("button", { name: "Continue" })).toHaveCount(0);
  await expect(bubbles(page)).toHaveCount(1);
});

test("an answer's direction is its text's, block by block", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "السماء زرقاء.\n\nThat is all." });
  await ask(page, "لماذا؟");
  const directions = page.locator(".bubble-text, .answer .block");
  expect(await directions.evaluateAll((all) => all.map((element) => getComputedStyle(element).direction))).toEqual(["rtl", "rtl", "ltr"]);
});

test("code is copied as it is", async ({ page, context, chat }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await chat.open(page, { ...quick, answer: "```js\nlet a = '<b>';\n```\n\nDone." });
  await ask(page, "Code?");
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  expect(await page.evaluate(async () => navigator.clipboard.readText())).toBe("let a = '<b>';");
});

test("a failed answer keeps its words and can be tried again", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "word ".repeat(30), answerError: "internal" });
  await send(page, "Go.");
  await expect(page.getByRole("alert").filter({ hasText: "Something went wrong" })).toBeVisible();
  await expect(page.locator(".answer")).toContainText("word word word");
  await expect(page.getByRole("button", { name: "Try again" })).toBeEnabled();
});

test("a lost device keeps the conversation and starts the model again", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "word ".repeat(30), answerError: "device-lost" });
  await send(page, "Go.");
  await expect(page.getByText("The graphics card stopped answering; what came so far is kept.")).toBeVisible();
  await expect(page.locator(".answer")).toContainText("word word");
  await page.getByRole("button", { name: "Start the model again" }).click();
  await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
});

test("a full context offers a new chat and room", async ({ page, chat }) => {
  await chat.open(page, { ...quick, contextLength: 100 });
  await ask(page, "one");
  await ask(page, "two ".repeat(30));
  await send(page, "three ".repeat(20));
  const alert = page.getByRole("alert").filter({ hasText: "longer than the model can read" });
  await alert.getByRole("button", { name: "Delete early messages and try again" }).click();
  await expect(alert).toHaveCount(0);
  await expect(bubbles(page)).toHaveCount(1);
  await expect(page.locator(".answer")).toContainText("The sky is blue");
});

test("the question that did not fit can move to a new chat", async ({ page, chat }) => {
  await chat.open(page, { ...quick, contextLength: 100 });
  await ask(page, "one ".repeat(60));
  await send(page, "A question.");
  await page.getByRole("button", { name: "New chat with this question" }).click();
  await expect(field(page)).toHaveValue("A question.");
  await expect(bubbles(page)).toHaveCount(0);
});

test("the context meter counts the conversation", async ({ page, chat }) => {
  await chat.open(page, { ...quick, contextLength: 1000 });
  await ask(page, "x".repeat(400));
  await expect(page.getByRole("button", { name: /^Context 1\d% full: 1\d\d of 1,000 tokens/ })).toBeVisible();
});

test("a screen reader hears the finished answer and never a part of it", async ({ page, chat }) => {
  await chat.open(page, { ...quick, wordMs: 10, answer: "alpha beta gamma delta." });
  const heard = await page.evaluateHandle(() => {
    const said: string[] = [];
    const region = document.querySelector("output[aria-live=polite]");
    if (region !== null)
      new MutationObserver(() => said.push(region.textContent ?? "")).observe(region, {
        childList: true,
        characterData: true,
        subtree: true,
      });
    return said;
  });
  await ask(page, "Go.");
  await expect.poll(async () => heard.jsonValue()).toEqual(["Reading your message", "Answer finished. alpha beta gamma delta."]);
});

test("reading back is not pulled to the end, and one button goes there", async ({ page, chat }) => {
  await chat.open(page, { ...quick, wordMs: 5, answer: "A line of words.\n\n".repeat(120), holdAfterWords: 400 });
  await send(page, "Go.");
  const latest = page.getByRole("button", { name: "Latest" });
  await expect.poll(async () => page.locator(".scroller").evaluate((element) => element.scrollTop)).toBeGreaterThan(200);
  await expect(latest).toBeHidden();
  await page.locator(".scroller").hover();
  await page.mouse.wheel(0, -2000);
  await expect(latest).toBeVisible();
  // The wheel's own scrolling may still be under way; from where it ends nothing may move the page.
  await page.waitForTimeout(500);
  const place = await page.locator(".scroller").evaluate((element) => element.scrollTop);
  const before = await page.locator(".answer").innerText();
  await expect.poll(async () => (await page.locator(".answer").innerText()).length).toBeGreaterThan(before.length);
  expect(await page.locator(".scroller").evaluate((element) => element.scrollTop)).toBe(place);
  await latest.click();
  await expect(latest).toBeHidden();
});
