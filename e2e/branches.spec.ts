import { answers, ask, bubbles, edit, expect, field, quick, test } from "./support/chat-test.ts";

/** Messages that were edited or answered again: every version stays, with what followed it. */
test("an edited question makes a branch, and the arrows lead back to the one before with all that followed", async ({ page, chat }) => {
  await chat.open(page, quick);
  for (const question of ["one", "two", "three"]) await ask(page, question);
  await bubbles(page).first().hover();
  await page.getByRole("button", { name: "Edit message" }).first().click();
  await expect(page.getByText("this one stays, and the 2 messages after it")).toBeVisible();
  const editor = page.getByRole("textbox", { name: "Edit message" });
  await expect(editor).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(editor).toBeHidden();
  await edit(page, 0, "uno");
  await expect(bubbles(page)).toHaveText(["uno"]);
  await expect(answers(page)).toHaveCount(1);
  const versions = page.getByRole("group", { name: "Versions of this message" });
  await expect(versions).toHaveText("Version 2/ of 2");
  await versions.getByRole("button", { name: "Previous version of this message" }).click();
  await expect(bubbles(page)).toHaveText(["one", "two", "three"]);
  await ask(page, "four");
  await page.reload();
  await expect(bubbles(page)).toHaveText(["one", "two", "three", "four"]);
  await bubbles(page).first().hover();
  await versions.getByRole("button", { name: "Next version of this message" }).click();
  await expect(bubbles(page)).toHaveText(["uno"]);
});

test("another answer stands beside the first; the keyboard goes through them, keeps its place and is told", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "Why?");
  await page.getByRole("button", { name: "Answer again" }).click();
  const versions = page.getByRole("group", { name: "Versions of this answer" });
  await expect(versions).toHaveText("Version 2/ of 2");
  await expect(bubbles(page)).toHaveCount(1);
  await ask(page, "And then?");
  const next = versions.getByRole("button", { name: "Next version of this answer" });
  await next.focus();
  await page.keyboard.press("Enter");
  await expect(versions).toHaveText("Version 1/ of 2");
  await expect(page.locator("output[aria-live=polite]")).toHaveText("Answer 1 of 2");
  await expect(next).toBeFocused();
  await expect(bubbles(page)).toHaveText(["Why?"]);
  await page.keyboard.press("Enter");
  await expect(bubbles(page)).toHaveText(["Why?", "And then?"]);
  await expect(next).toBeFocused();
});

test("only the branch on screen is sent to the model", async ({ page, chat }) => {
  // The double answers as a model does: what it is not given it cannot find.
  await chat.open(page, { ...quick, retrieved: ["apples", "pears"] });
  await ask(page, "I like apples.");
  await edit(page, 0, "I like pears.");
  await expect(page.getByRole("group", { name: "Versions of this message" })).toBeVisible();
  await ask(page, "What do I like?");
  await page.getByRole("button", { name: "Show what it looked at" }).last().click();
  await expect(page.getByRole("list", { name: "What it looked at" }).getByRole("listitem")).toHaveText(["Your messageI like pears."]);
});

test("a failed answer without a word is tried again in its place", async ({ page, chat }) => {
  await chat.open(page, { ...quick, holdReading: true });
  await field(page).fill("Why? ".repeat(60));
  await field(page).press("Enter");
  await expect(page.locator(".reading")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator(".stats")).toHaveText("stopped");
  await page.getByRole("button", { name: "Answer again" }).click();
  await expect(page.locator(".reading")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator(".versions")).toHaveCount(0);
});

test("a conversation goes on from any answer in a new chat, and the first stays as it was", async ({ page, chat }) => {
  await chat.open(page, quick);
  for (const question of ["one", "two"]) await ask(page, question);
  const first = page.url();
  await page.locator(".answer").first().hover();
  await page.getByRole("button", { name: "Branch off from here" }).first().click();
  await expect(bubbles(page)).toHaveText(["one"]);
  expect(page.url()).not.toBe(first);
  await ask(page, "other");
  await expect(bubbles(page)).toHaveText(["one", "other"]);
  await page.goBack();
  await expect(bubbles(page)).toHaveText(["one", "two"]);
});

test("a conversation that an older page stored has its messages in a row, and branches like any other", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "new");
  await page.evaluate(
    async () =>
      new Promise<void>((resolve) => {
        const opening = indexedDB.open("longtab-chat");
        opening.addEventListener("success", () => {
          const transaction = opening.result.transaction("conversations", "readwrite");
          const exchange = (id: string, question: string) => ({ id, question, answer: { text: `To ${question}.`, end: "complete" } });
          const old = { id: "old", title: "one", named: false, createdAt: 1, updatedAt: 1 };
          const store = transaction.objectStore("conversations");
          store.put({ ...old, exchanges: [exchange("a", "one"), exchange("b", "two")] }, "conversation:old");
          store.put({ id: "old", title: "one", updatedAt: 1 }, "summary:old");
          transaction.addEventListener("complete", () => resolve());
        });
      }),
  );
  await page.reload();
  await page.getByRole("link", { name: "one" }).click();
  await expect(bubbles(page)).toHaveText(["one", "two"]);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(page.getByRole("button", { name: /^Context/ })).toBeVisible();
  await edit(page, 1, "dos");
  await expect(page.getByRole("group", { name: "Versions of this message" })).toHaveText("Version 2/ of 2");
  await expect(bubbles(page)).toHaveText(["one", "dos"]);
});

test("arrows, sheets and the model's card fit a phone @phone", async ({ page, chat }) => {
  await chat.open(page, { ...quick, endAfterWords: 5 });
  await field(page).fill("Why?");
  await page.getByRole("button", { name: "Send", exact: true }).tap();
  await page.getByRole("button", { name: "Answer again" }).tap();
  const versions = page.getByRole("group", { name: "Versions of this answer" });
  await versions.getByRole("button", { name: "Previous version of this answer" }).tap();
  await expect(versions).toHaveText("Version 1/ of 2");
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
});
