import { type Page, ask, bubbles, dialog, expect, openSettings, quick, send, test } from "./support/chat-test.ts";

/** A conversation's own settings, and the defaults of new ones. */
const settings = (page: Page) => dialog(page, "Settings");
const prompt = (page: Page) => settings(page).getByLabel("System prompt");
const close = async (page: Page) => settings(page).getByRole("button", { name: "Close" }).click();
const meter = (page: Page) => page.getByRole("button", { name: /^Context/ });

test("the sheet says which of the two it edits, and each keeps its own", async ({ page, chat }) => {
  await chat.open(page, quick);
  await openSettings(page);
  await expect(settings(page)).toContainText("New conversations begin with these, this one too.");
  await prompt(page).fill("Be brief.");
  await close(page);
  await ask(page, "First");
  await openSettings(page);
  await expect(settings(page)).toContainText("Only for “First”. Other conversations keep theirs.");
  await expect(prompt(page)).toHaveValue("Be brief.");
  await prompt(page).fill("Be long.");
  await settings(page).getByLabel("New ones").check({ force: true });
  await expect(settings(page)).toContainText("New conversations begin with these. Those that are there keep theirs.");
  await expect(prompt(page)).toHaveValue("Be brief.");
  await prompt(page).fill("Rhyme.");
  await close(page);
  await page.reload();
  await openSettings(page);
  await expect(prompt(page)).toHaveValue("Be long.");
  await close(page);
  await page.getByRole("button", { name: "New chat" }).click();
  await openSettings(page);
  await expect(prompt(page)).toHaveValue("Rhyme.");
});

test("the defaults are taken over, and given", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "First");
  await openSettings(page);
  await prompt(page).fill("Be long.");
  await settings(page).getByRole("button", { name: "Use these for new ones" }).click();
  await settings(page).getByLabel("New ones").check({ force: true });
  await expect(prompt(page)).toHaveValue("Be long.");
  await prompt(page).fill("");
  await settings(page).getByLabel("This one").check({ force: true });
  await settings(page).getByRole("button", { name: "Take those of new conversations" }).click();
  await expect(prompt(page)).toHaveValue("");
});

test("a conversation that is remembered in another way says so, and loads the model anew when something is sent", async ({
  page,
  chat,
}) => {
  await chat.open(page, quick);
  await ask(page, "endless");
  await openSettings(page);
  await expect(settings(page)).toContainText("A change loads the model anew, from this device; then it reads this conversation again.");
  await settings(page).getByRole("radio", { name: "Short" }).click({ force: true });
  await expect(meter(page)).toHaveAccessibleName(/of 8,192 tokens/);
  await page.getByRole("button", { name: "New chat" }).click();
  const note = page.locator("#composer-note");
  await expect(note).toContainText("This conversation is remembered in another way");
  await send(page, "remembered");
  await expect(bubbles(page)).toHaveText(["remembered"]);
  await expect(page.locator(".answer-foot")).toHaveCount(1);
  await expect(meter(page)).toHaveAccessibleName(/without end/);
  await page.getByRole("link", { name: "endless" }).click();
  await expect(note).toContainText("This conversation is remembered in another way");
  await page.getByRole("button", { name: "Answer again" }).click();
  await expect(page.getByRole("group", { name: "Versions of this answer" })).toBeVisible();
  await expect(meter(page)).toHaveAccessibleName(/of 8,192 tokens/);
});
