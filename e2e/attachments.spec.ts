import { type Page, expect, field, quick, test } from "./support/chat-test.ts";
import { drop } from "./support/drop.ts";
import { paste } from "./support/paste.ts";

/** Texts that go with a question: files and long pastes, with the double in the library's place. */

const BOOK = "The whale rose slowly from the deep. ".repeat(300);
const bytes = (text: string) => new TextEncoder().encode(text);
const waiting = (page: Page) => page.locator(".composer .attachment");
const sent = (page: Page) => page.locator(".bubble .attachment");
const attach = async (page: Page, name: string, contents: Uint8Array) =>
  page.getByLabel("Attach a text file").setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(contents) });
const ask = async (page: Page, text: string) => {
  await field(page).fill(text);
  await field(page).press("Enter");
  await expect(page.locator(".answer-foot")).toHaveCount(1);
};

test("a text file is attached, counted, sent with the question and read by the model", async ({ page, chat }) => {
  await chat.open(page, { ...quick, contextLength: 100_000 });
  await attach(page, "book.txt", bytes(BOOK));
  await expect(waiting(page)).toContainText(/book\.txt\s*2,799 tokens/);
  await ask(page, "What rose?");
  await expect(waiting(page)).toHaveCount(0);
  await expect(sent(page)).toContainText("11k characters");
  await expect(page.locator(".stats")).toHaveAttribute("title", /^Read 2,8\d\d tokens/);
  await sent(page).click();
  await expect(page.locator(".attachment-text")).toContainText("The whale rose slowly");
});

test("a text is dropped anywhere on the page, beside a model", async ({ page, chat }) => {
  await chat.open(page, {});
  await drop(page, "notes.md", bytes("# Notes\n\nBuy milk."));
  await expect(waiting(page)).toContainText("notes.md");
  await drop(page, "mine.gguf", bytes("GGUF"));
  await expect(page.getByRole("button", { name: /mine\.gguf/ })).toContainText("ready");
  await expect(waiting(page)).toContainText("notes.md");
});

test("a long paste becomes an attachment, a short one stays in the field", async ({ page, chat }) => {
  await chat.open(page, { ...quick, contextLength: 8192 });
  await paste(page, field(page), "Just a line.");
  await expect(field(page)).toHaveValue("Just a line.");
  const began = performance.now();
  await paste(page, field(page), "lorem ipsum dolor ".repeat(60_000));
  await expect(waiting(page)).toContainText("lorem ipsum dolor");
  expect(performance.now() - began).toBeLessThan(5000);
  await expect(field(page)).toHaveValue("Just a line.");
  await expect(page.getByText(/This message takes about \d+,\d00 tokens; the model can read/)).toBeVisible();
});

test("no more texts go with a message than a file of conversations takes", async ({ page, chat }) => {
  await chat.open(page, quick);
  const files = Array.from({ length: 102 }, (_, index) => ({ name: `${index}.txt`, mimeType: "text/plain", buffer: Buffer.from("text") }));
  await page.getByLabel("Attach a text file").setInputFiles(files);
  await expect(page.locator(".toast")).toContainText(/^A message takes 100 texts: “\d+.txt” is not attached\.$/);
  await expect(waiting(page)).toHaveCount(100);
});

test("an attachment is taken out again with the keyboard", async ({ page, chat }) => {
  await chat.open(page, quick);
  await attach(page, "book.txt", bytes(BOOK));
  await waiting(page).getByRole("button", { name: "Remove book.txt" }).focus();
  await page.keyboard.press("Enter");
  await expect(waiting(page)).toHaveCount(0);
  await expect(field(page)).toBeFocused();
});

test("several texts are attached by finger, and one is taken out again @phone", async ({ page, chat }) => {
  await chat.open(page, quick);
  const file = (name: string) => ({ name, mimeType: "text/plain", buffer: Buffer.from(BOOK) });
  await page
    .getByLabel("Attach a text file")
    .setInputFiles([file("one.txt"), file("a very long name of a book that nobody has read to its end.txt")]);
  await drop(page, "two.txt", bytes(BOOK));
  await expect(waiting(page)).toHaveCount(3);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  await waiting(page).getByRole("button", { name: "Remove one.txt" }).tap();
  await expect(waiting(page)).toHaveCount(2);
  await page.getByRole("button", { name: "Send", exact: true }).tap();
  await expect(sent(page)).toHaveCount(2);
});

test("what is no text or too long is refused with a reason", async ({ page, chat }) => {
  await chat.open(page, quick);
  await attach(
    page,
    "cat.png",
    Uint8Array.from({ length: 5000 }, (_, index) => (index * 73) % 256),
  );
  await expect(page.locator(".toast")).toContainText("“cat.png” is not a text file. Save it as plain text and attach that.");
  await attach(page, "huge.txt", bytes("x".repeat(4_000_001)));
  await expect(page.locator(".toast")).toContainText("“huge.txt” is longer than 4,000,000 characters, the most that can be attached.");
  await expect(waiting(page)).toHaveCount(0);
});

test("attached texts survive a reload, before and after they are sent", async ({ page, chat }) => {
  await chat.open(page, quick);
  await attach(page, "book.txt", bytes(BOOK));
  await field(page).fill("What rose?");
  await page.waitForTimeout(600);
  await page.reload();
  await expect(waiting(page)).toContainText("book.txt");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(waiting(page)).toContainText("2,799 tokens");
  await field(page).press("Enter");
  await expect(page.locator(".answer-foot")).toHaveCount(1);
  await page.reload();
  await expect(waiting(page)).toHaveCount(0);
  await sent(page).click();
  await expect(page.locator(".attachment-text")).toContainText("The whale rose slowly");
});

test("a text that nothing refers to any more is deleted from the browser", async ({ page, chat }) => {
  await chat.open(page, quick);
  await attach(page, "secret.txt", bytes("my secret"));
  await expect(waiting(page)).toHaveCount(1);
  const stored = async () =>
    page.evaluate(
      async () =>
        new Promise<unknown[]>((resolve, reject) => {
          const opening = indexedDB.open("longtab-chat");
          opening.addEventListener("error", () => reject(new Error("The database does not open")));
          opening.addEventListener("success", () => {
            const all = opening.result.transaction("conversations").objectStore("conversations").getAll();
            all.addEventListener("success", () => resolve(all.result));
          });
        }),
    );
  await waiting(page).getByRole("button", { name: "Remove secret.txt" }).click();
  // The text alone is left, until nothing can bring it back.
  await expect.poll(stored).toEqual(["my secret"]);
  await page.reload();
  await expect.poll(stored).toEqual([]);
});

test("reading a long text shows how far it is, how fast, and how long it will take, and can be stopped", async ({ page, chat }) => {
  await chat.open(page, { ...quick, contextLength: 100_000, readMs: 60, holdReading: true });
  await attach(page, "book.txt", bytes(BOOK));
  await field(page).press("Enter");
  await expect(page.getByText(/Reading 1,[\d,]+ of 2,799 tokens · [\d,.]+ per second/)).toBeVisible();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.locator(".stats")).toHaveText("stopped");
  await expect(sent(page)).toContainText("book.txt");
});

test("a text that does not fit moves with its question to a new chat", async ({ page, chat }) => {
  await chat.open(page, { ...quick, contextLength: 500 });
  await ask(page, "Hello");
  await attach(page, "book.txt", bytes(BOOK));
  await field(page).fill("What rose?");
  await field(page).press("Enter");
  await page.getByRole("button", { name: "New chat with this question" }).click();
  await expect(field(page)).toHaveValue("What rose?");
  await expect(waiting(page)).toContainText("book.txt");
});
