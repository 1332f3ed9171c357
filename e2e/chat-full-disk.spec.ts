import { readFileSync } from "node:fs";
import { ask, chooseInList, dialog, expect, openSettings, quick, send, test } from "./support/chat-test.ts";
import { refuseWrites } from "./support/storage-faults.ts";

/** A disk that is full, or that the browser does not let the page write to, at any moment. */

test("an answer that ends in another conversation than the one on screen is there although it could not be stored", async ({
  page,
  chat,
}) => {
  await chat.open(page, { ...quick, answer: "One two three four.", holdAfterWords: 2 });
  await send(page, "Count.");
  await expect(page.locator(".answer")).toContainText("One two three");
  await page.getByRole("button", { name: "New chat" }).click();
  await refuseWrites(page, "conversation:");
  await page.getByRole("button", { name: "Stop it" }).click();
  await expect(page.getByText("This browser does not store conversations at the moment")).toBeVisible();
  await page.getByRole("link", { name: "Count." }).click();
  await expect(page.locator(".answer")).toContainText("One two three");
});

test("a file that has no room is not imported in part", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "Mine");
  const conversations = ["First", "Second", "Third"].map((title, index) => ({
    title,
    named: true,
    createdAt: index,
    updatedAt: index,
    exchanges: [{ id: "a", parent: null, question: title, answer: null }],
  }));
  await openSettings(page);
  await refuseWrites(page, "conversation:", 2);
  await dialog(page, "Settings")
    .getByLabel("Import a file")
    .setInputFiles({
      name: "conversations.json",
      mimeType: "application/json",
      buffer: Buffer.from(JSON.stringify({ format: "longtab-conversations", version: 1, conversations })),
    });
  await expect(dialog(page, "Settings").getByRole("alert")).toContainText("The file was not imported");
  await page.reload();
  await expect(page.getByRole("navigation", { name: "Conversations" }).getByRole("link")).toHaveText(["Mine"]);
});

test("what could not be stored can be exported, with its attached texts", async ({ page, chat }) => {
  await chat.open(page, quick);
  await refuseWrites(page, "");
  await page
    .getByLabel("Attach a text file")
    .setInputFiles({ name: "book.txt", mimeType: "text/plain", buffer: Buffer.from("Call me Ishmael.") });
  await ask(page, "Who?");
  const text = async (click: () => Promise<void>) => {
    const downloading = page.waitForEvent("download");
    await click();
    return readFileSync(await (await downloading).path(), "utf8");
  };
  const one = await text(async () => chooseInList(page, "Who?", "Export “Who?” as JSON"));
  expect(one).toContain("Call me Ishmael.");
  await openSettings(page);
  const all = await text(async () => dialog(page, "Settings").getByRole("button", { name: "Export all" }).click());
  expect(all).toContain("Call me Ishmael.");
});

test("a search finds titles where conversations cannot be read", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "Mine");
  await page.evaluate(() => {
    IDBObjectStore.prototype.getAllKeys = () => {
      throw new DOMException("Damaged", "UnknownError");
    };
  });
  await page.getByRole("searchbox", { name: "Search conversations" }).fill("mine");
  await expect(page.getByRole("heading", { name: "Found" })).toBeVisible();
});
