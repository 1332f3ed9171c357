import { ask, expect, quick, test } from "./support/chat-test.ts";

/** A disk that is full, or that the browser does not let the page write to, at any moment. */

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
