import { ask, bubbles, chooseInList, expect, field, quick, send, test } from "./support/chat-test.ts";

test("a conversation and its address survive a reload", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "Remember me.");
  await page.reload();
  await expect(bubbles(page)).toHaveText("Remember me.");
  await expect(page.locator(".answer")).toContainText("The sky is blue");
  await expect(page.getByRole("link", { name: "Remember me." })).toHaveAttribute("aria-current", "page");
});

test("an answer that a closed tab broke off is kept, and said to be", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "One two three four.", holdAfterWords: 2 });
  await send(page, "Count.");
  await expect(page.locator(".answer")).toContainText("One two three");
  // The page stores a partial answer every two seconds.
  await page.waitForTimeout(2500);
  await page.reload();
  await expect(page.locator(".answer")).toContainText("One two three");
  await expect(page.locator(".stats")).toContainText("interrupted");
});

test("unsent text survives a reload, also of a chat that was never begun", async ({ page, chat }) => {
  await chat.open(page, quick);
  await field(page).fill("Half a thought");
  await page.waitForTimeout(600);
  await page.goto(chat.address(quick));
  await expect(field(page)).toHaveValue("Half a thought");
});

test("each conversation has its own unsent text", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "First");
  await field(page).fill("for the first");
  await page.getByRole("button", { name: "New chat" }).click();
  await expect(field(page)).toHaveValue("");
  await page.getByRole("link", { name: "First" }).click();
  await expect(field(page)).toHaveValue("for the first");
});

test("conversations are renamed, deleted and brought back", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "First");
  await chooseInList(page, "First", "Rename “First”");
  await page.getByRole("textbox", { name: "Title" }).fill("Mine");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Mine" })).toBeVisible();
  await chooseInList(page, "Mine", "Delete “Mine”");
  await expect(page.getByRole("link", { name: "Mine" })).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(bubbles(page)).toHaveText("First");
  await page.reload();
  await expect(page.getByRole("heading", { name: "Mine" })).toBeVisible();
});

test("two tabs on one conversation keep one another's messages", async ({ page, context, chat }) => {
  await chat.open(page, quick);
  await ask(page, "from the first tab");
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(bubbles(other)).toHaveText("from the first tab");
  await other.getByRole("button", { name: "Start", exact: true }).click();
  await ask(other, "from the second tab");
  await expect(bubbles(page)).toHaveText(["from the first tab", "from the second tab"]);
  await ask(page, "from the first again");
  await expect(bubbles(other)).toHaveText(["from the first tab", "from the second tab", "from the first again"]);
  await other.getByRole("button", { name: "New chat" }).click();
  await ask(other, "another conversation");
  await expect(page.getByRole("link", { name: "another conversation" })).toBeVisible();
});

test("settings survive a reload and go back to their defaults", async ({ page, chat }) => {
  await chat.open(page, quick);
  await page.keyboard.press("Control+,");
  const dialog = page.getByRole("dialog", { name: "Settings" });
  await dialog.getByLabel("Temperature, as a number").fill("0.2");
  await dialog.getByLabel("Temperature, as a number").press("Tab");
  await dialog.getByLabel("System prompt").fill("Be brief.");
  await dialog.getByLabel("Dark").check({ force: true });
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByText("What is on your mind?").waitFor();
  await page.keyboard.press("Control+,");
  await expect(dialog.getByLabel("Temperature", { exact: true })).toHaveValue("0.2");
  await dialog.getByRole("button", { name: "Reset to the model’s own" }).click();
  await expect(dialog.getByLabel("Temperature", { exact: true })).toHaveValue("0.7");
  await expect(dialog.getByLabel("System prompt")).toHaveValue("");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});
