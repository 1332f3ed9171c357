import { readFileSync } from "node:fs";
import { type Page, ask, bubbles, chooseInList, dialog, edit, expect, field, openSettings, quick, test } from "./support/chat-test.ts";
import { drop } from "./support/drop.ts";

/** The list of conversations: search, pins, and files. */
const search = (page: Page) => page.getByRole("searchbox", { name: "Search conversations" });
const links = (page: Page) => page.getByRole("navigation", { name: "Conversations" }).getByRole("link");
const settings = (page: Page) => dialog(page, "Settings");
const toast = (page: Page) => page.locator(".toast");
const begin = async (page: Page, ...questions: string[]) => {
  for (const question of questions) {
    await page.keyboard.press("Control+Shift+O");
    await ask(page, question);
  }
};
const downloaded = async (page: Page, click: () => Promise<void>) => {
  const downloading = page.waitForEvent("download");
  await click();
  const download = await downloading;
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
};
const importText = async (page: Page, text: string) =>
  settings(page)
    .getByLabel("Import a file")
    .setInputFiles({ name: "conversations.json", mimeType: "application/json", buffer: Buffer.from(text) });

test("the search finds titles and messages without regard to case and accents, by keyboard alone", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "Ein Straßencafé in Zürich." });
  await begin(page, "Où est le café ?", "Something else", "Third");
  await page.keyboard.press("Control+k");
  await expect(search(page)).toBeFocused();
  await page.keyboard.type("OU EST");
  await expect(links(page)).toHaveCount(1);
  await expect(links(page).locator("mark")).toHaveText("Où");
  await search(page).fill("strassencafe");
  await expect(links(page)).toHaveCount(3);
  await expect(page.locator("output[aria-live=polite]")).toHaveText("3 conversations found");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(bubbles(page)).toHaveText("Où est le café ?");
  await search(page).fill("nowhere");
  await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
  await search(page).press("Escape");
  await expect(links(page)).toHaveCount(3);
  await page.locator(".scroller").focus();
  await page.keyboard.press("/");
  await expect(search(page)).toBeFocused();
});

test("the search finds what was just said, and opens the branch in which it was said", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "I like apples.");
  await search(page).fill("pears");
  await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
  await edit(page, 0, "I like pears.");
  await expect(links(page)).toHaveCount(1);
  await search(page).fill("apples");
  await links(page).click();
  await expect(bubbles(page)).toHaveText("I like apples.");
});

test("a pinned conversation stays at the top", async ({ page, chat }) => {
  await chat.open(page, quick);
  await begin(page, "First", "Second");
  await chooseInList(page, "First", "Pin “First”");
  await expect(page.getByRole("heading", { name: "Pinned" })).toBeVisible();
  await expect(links(page)).toHaveText(["First", "Second"]);
  await page.reload();
  await expect(links(page)).toHaveText(["First", "Second"]);
  await chooseInList(page, "First", "Unpin “First”");
  await expect(links(page)).toHaveText(["Second", "First"]);
});

test("a conversation goes into a file with its branches, its settings and its attachments, and comes back as a new one", async ({
  page,
  chat,
}) => {
  await chat.open(page, quick);
  await openSettings(page);
  await settings(page).getByLabel("System prompt").fill("Be brief.");
  await page.keyboard.press("Escape");
  await page
    .getByLabel("Attach a text file")
    .setInputFiles({ name: "book.txt", mimeType: "text/plain", buffer: Buffer.from("Call me Ishmael.") });
  await ask(page, "Who?");
  await edit(page, 0, "Who is it?");
  await expect(page.getByRole("group", { name: "Versions of this message" })).toBeVisible();
  const markdown = await downloaded(page, async () => chooseInList(page, "Who is it?", "Export “Who is it?” as Markdown"));
  expect(markdown.name).toBe("Who-is-it.md");
  expect(markdown.text).toContain(
    "## You\n\n*Attached: book.txt, 16 characters, not part of this file.*\n\nWho is it?\n\n## Answer\n\nThe sky is blue",
  );
  expect(markdown.text).not.toContain("Who?");
  const json = await downloaded(page, async () => chooseInList(page, "Who is it?", "Export “Who is it?” as JSON"));
  expect(json.name).toBe("Who-is-it.json");

  await openSettings(page);
  await importText(page, json.text);
  await expect(toast(page)).toContainText("Nothing was imported. One was here already.");
  await page.keyboard.press("Escape");
  await chooseInList(page, "Who is it?", "Delete “Who is it?”");
  await expect(links(page)).toHaveCount(0);
  await openSettings(page);
  await importText(page, json.text);
  await expect(toast(page)).toContainText("One conversation imported.");
  await page.keyboard.press("Escape");
  await links(page).click();
  await expect(page.locator(".bubble-text")).toHaveText("Who is it?");
  await bubbles(page).first().hover();
  await page.getByRole("button", { name: "Previous version of this message" }).click();
  await expect(page.locator(".bubble-text")).toHaveText("Who?");
  await page.locator(".bubble .attachment").click();
  await expect(page.locator(".attachment-text")).toHaveText("Call me Ishmael.");
  await openSettings(page);
  await expect(settings(page).getByLabel("System prompt")).toHaveValue("Be brief.");
});

test("all conversations go into one file; those that are here are left out when it is read, and an import is taken back", async ({
  page,
  chat,
}) => {
  await chat.open(page, quick);
  await begin(page, "First", "Second", "Third");
  await openSettings(page);
  const { name, text } = await downloaded(page, async () => settings(page).getByRole("button", { name: "Export all" }).click());
  expect(name).toMatch(/^longtab-conversations-\d{4}-\d\d-\d\d\.json$/);
  expect((JSON.parse(text) as { conversations: unknown[] }).conversations).toHaveLength(3);
  await page.keyboard.press("Escape");
  for (const title of ["First", "Second"]) await chooseInList(page, title, `Delete “${title}”`);
  await openSettings(page);
  await importText(page, text);
  await expect(toast(page)).toContainText("2 conversations imported. One was here already.");
  await settings(page).getByRole("button", { name: "Undo" }).click();
  await page.keyboard.press("Escape");
  await expect(links(page)).toHaveText(["Third"]);
});

test("a file that is none, or is damaged anywhere, changes nothing and says where and why", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "First");
  await openSettings(page);
  const alert = settings(page).getByRole("alert");
  await importText(page, "no json");
  await expect(alert).toContainText("The file was not imported");
  await expect(alert).toContainText("This file is not JSON. Choose a file that was exported from Longtab as JSON.");
  await importText(page, '{"format":"longtab-conversations","version":2,"conversations":[]}');
  await expect(alert).toContainText("This file is of another version than this page reads (found version 2; the limit is version 1)");
  const good = {
    title: "Good",
    named: false,
    createdAt: 1,
    updatedAt: 1,
    exchanges: [{ id: "a", parent: null, question: "q", answer: null }],
  };
  const bad = { ...good, exchanges: [{ id: "b", parent: "nowhere", question: "q", answer: null }] };
  await importText(page, JSON.stringify({ format: "longtab-conversations", version: 1, conversations: [good, bad] }));
  await expect(alert).toContainText("conversations[1].exchanges[0].parent is not what it must be");
  await expect(alert).toContainText("nothing was imported");
  await page.keyboard.press("Escape");
  await expect(links(page)).toHaveText(["First"]);
});

test("an exported file is dropped on the page; a damaged one is explained, any other JSON is a text", async ({ page, chat }) => {
  await chat.open(page, quick);
  const exchange = { id: "a", parent: null, question: "Dropped?", answer: null };
  const good = { title: "Good", named: true, createdAt: 1, updatedAt: 1, exchanges: [exchange] };
  const bytes = (conversation: object) =>
    new TextEncoder().encode(JSON.stringify({ format: "longtab-conversations", version: 1, conversations: [conversation] }));
  await drop(page, "good.json", bytes(good));
  await expect(links(page)).toHaveText(["Good"]);
  await drop(page, "bad.json", bytes({ ...good, createdAt: "now" }));
  await expect(settings(page).getByRole("alert")).toContainText("conversations[0].createdAt is not what it must be");
  await page.keyboard.press("Escape");
  await openSettings(page);
  await expect(settings(page).getByRole("alert")).toHaveCount(0);
  await page.keyboard.press("Escape");
  await drop(page, "other.json", new TextEncoder().encode('{"a":1}'));
  await expect(page.locator(".composer .attachment")).toContainText("other.json");
});

test("a long list is exported and imported with its progress shown, and the page answers meanwhile", async ({ page, chat }) => {
  const words = "The whale rose slowly from the deep. ".repeat(60);
  const conversations = Array.from({ length: 600 }, (_, index) => ({
    title: `Number ${index}`,
    named: true,
    createdAt: index,
    updatedAt: index,
    exchanges: [{ id: "a", parent: null, question: `Question ${index}`, answer: { text: words, end: "complete" } }],
  }));
  await chat.open(page, quick);
  await openSettings(page);
  await importText(page, JSON.stringify({ format: "longtab-conversations", version: 1, conversations }));
  await expect(settings(page).getByRole("progressbar", { name: "Importing" })).toBeVisible();
  await expect(toast(page)).toContainText("600 conversations imported.", { timeout: 60_000 });
  await page.keyboard.press("Escape");
  await expect(links(page)).toHaveCount(600);
  const began = Date.now();
  await search(page).fill("question 599");
  await expect(links(page)).toHaveText([/^Number 599/]);
  expect(Date.now() - began).toBeLessThan(10_000);
  await expect(field(page)).toBeVisible();
});
