import { type Page, answers, ask, bubbles, chooseInList, expect, field, quick, send, test } from "./support/chat-test.ts";
import { clickDuringRead, holdStorage } from "./support/storage-faults.ts";

/** What a person does while something else is under way: here, or in another tab. */

const BOOK = "The whale rose slowly from the deep.";
const link = (page: Page, name: string) => page.getByRole("link", { name });
const attach = async (page: Page) =>
  page.getByLabel("Attach a text file").setInputFiles({ name: "book.txt", mimeType: "text/plain", buffer: Buffer.from(BOOK) });
const undo = async (page: Page) => page.getByRole("button", { name: "Undo" }).click();
const newChat = async (page: Page) => page.getByRole("button", { name: "New chat" }).click();

test("what was written of an answer comes back with its conversation, which was deleted meanwhile", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "One two three four.", holdAfterWords: 2 });
  await send(page, "Count.");
  await expect(page.locator(".answer")).toContainText("One two three");
  await chooseInList(page, "Count.", "Delete “Count.”");
  await expect(page.locator(".toast")).toBeVisible();
  await expect(link(page, "Count.")).toHaveCount(0);
  await page.waitForTimeout(300);
  await undo(page);
  await expect(page.locator(".answer")).toContainText("One two three");
  await page.reload();
  await expect(page.locator(".answer")).toContainText("One two three");
});

test("a conversation that was deleted while it was answered stays deleted after a reload", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "One two three four.", holdAfterWords: 2 });
  await send(page, "Count.");
  await expect(page.locator(".answer")).toContainText("One two three");
  await chooseInList(page, "Count.", "Delete “Count.”");
  await expect(page.locator(".toast")).toBeVisible();
  await page.waitForTimeout(300);
  await page.reload();
  await page.locator(".app").waitFor();
  await expect(link(page, "Count.")).toHaveCount(0);
});

test("a conversation that another tab deletes while it is answered stays deleted", async ({ page, context, chat }) => {
  await chat.open(page, { ...quick, answer: "One two three four.", holdAfterWords: 2 });
  await send(page, "Count.");
  await expect(page.locator(".answer")).toContainText("One two three");
  const other = await context.newPage();
  await other.goto(chat.address(quick));
  await chooseInList(other, "Count.", "Delete “Count.”");
  await expect(link(other, "Count.")).toHaveCount(0);
  await page.waitForTimeout(2500);
  await page.keyboard.press("Escape");
  await expect(page.locator(".stats")).toContainText("stopped");
  await expect(page.locator(".answer")).toContainText("One two three");
  await page.waitForTimeout(300);
  await expect(link(other, "Count.")).toHaveCount(0);
});

test("a deletion is undone with its attached texts, though another tab has swept what nothing referred to", async ({
  page,
  context,
  chat,
}) => {
  await chat.open(page, quick);
  await attach(page);
  await ask(page, "What rose?");
  await chooseInList(page, "What rose?", "Delete “What rose?”");
  await expect(link(page, "What rose?")).toHaveCount(0);
  const other = await context.newPage();
  await other.goto(chat.address(quick));
  await other.locator(".app").waitFor();
  await other.waitForTimeout(300);
  await undo(page);
  await expect(link(page, "What rose?")).toBeVisible();
  await page.waitForTimeout(300);
  await page.reload();
  await page.locator(".bubble .attachment").click();
  await expect(page.locator(".attachment-text")).toHaveText(BOOK);
});

test("a deletion of a message is undone with its attached texts, though another tab has swept", async ({ page, context, chat }) => {
  await chat.open(page, quick);
  await attach(page);
  await ask(page, "What rose?");
  await ask(page, "And then?");
  await bubbles(page).first().hover();
  await page.getByRole("button", { name: "Delete message and answer" }).first().click();
  await expect(bubbles(page)).toHaveCount(1);
  const other = await context.newPage();
  await other.goto(chat.address(quick));
  await other.locator(".app").waitFor();
  await other.waitForTimeout(300);
  await undo(page);
  await expect(bubbles(page)).toHaveCount(2);
  await page.waitForTimeout(300);
  await page.reload();
  await page.locator(".bubble .attachment").click();
  await expect(page.locator(".attachment-text")).toHaveText(BOOK);
});

test("a conversation that was not opened yet comes back with its attached texts", async ({ page, chat }) => {
  await chat.open(page, quick);
  await attach(page);
  await ask(page, "What rose?");
  await newChat(page);
  await page.reload();
  await chooseInList(page, "What rose?", "Delete “What rose?”");
  await undo(page);
  await page.locator(".bubble .attachment").click();
  await expect(page.locator(".attachment-text")).toHaveText(BOOK);
});

test("the unsent text of a deleted conversation goes and comes back with it, and what is said meanwhile is another's", async ({
  page,
  chat,
}) => {
  await chat.open(page, quick);
  await ask(page, "First");
  await field(page).fill("Half a thought");
  await page.waitForTimeout(600);
  await chooseInList(page, "First", "Delete “First”");
  await expect(field(page)).toHaveValue("");
  await ask(page, "Second");
  await undo(page);
  await expect(bubbles(page)).toHaveText("First");
  await expect(field(page)).toHaveValue("Half a thought");
  await expect(link(page, "Second")).toBeVisible();
  await page.waitForTimeout(600);
  await page.reload();
  await expect(field(page)).toHaveValue("Half a thought");
});

test("of conversations that are opened in quick succession the last one is shown", async ({ page, chat }) => {
  await chat.open(page, quick);
  await attach(page);
  await ask(page, "With a book");
  await newChat(page);
  await ask(page, "Without");
  await newChat(page);
  await page.reload();
  await holdStorage(page, 1500);
  await link(page, "With a book").click();
  await link(page, "Without").click();
  await page.waitForTimeout(2500);
  await expect(bubbles(page)).toHaveText("Without");
});

test("a new chat that is begun while another conversation is opened stays", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "First");
  await newChat(page);
  await ask(page, "Second");
  await holdStorage(page, 1500);
  await link(page, "First").click();
  await newChat(page);
  await field(page).fill("Third");
  await page.waitForTimeout(2500);
  await expect(field(page)).toHaveValue("Third");
  await expect(bubbles(page)).toHaveCount(0);
});

test("an answer that ends while its conversation is opened is shown whole", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "One two three four.", holdAfterWords: 2 });
  await send(page, "Count.");
  await expect(page.locator(".answer")).toContainText("One two three");
  await newChat(page);
  // While the conversation is read the answer is stopped.
  await clickDuringRead(page, "#composer-note button:nth-of-type(2)");
  await link(page, "Count.").click();
  await expect(page.locator(".stats")).toContainText("stopped");
  await expect(page.locator(".answer")).toContainText("One two three");
});

test("a message that is sent while another tab's change is read stays on screen", async ({ page, context, chat }) => {
  await chat.open(page, quick);
  await ask(page, "First");
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(bubbles(other)).toHaveText("First");
  await field(page).fill("Second");
  await clickDuringRead(page, ".composer .send");
  await chooseInList(other, "First", "Pin “First”");
  await expect(answers(page)).toHaveCount(2);
  await page.waitForTimeout(300);
  await expect(bubbles(page)).toHaveText(["First", "Second"]);
});
