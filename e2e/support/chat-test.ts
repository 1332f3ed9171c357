import { type Page, expect, test as base } from "@playwright/test";
import { ChatWithDouble } from "./chat-double.ts";

export { expect, type Page } from "@playwright/test";

/**
 * Playwright's test for the page's screens, with the double in the library's place. What the page must never do fails the test: break its
 * policy, throw, or speak to another host.
 */
export const test = base.extend<{ faults: string[] }, { chat: ChatWithDouble }>({
  chat: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright wants it written so
    async ({}, use) => {
      const chat = await ChatWithDouble.start();
      await use(chat);
      await chat.close();
    },
    { scope: "worker" },
  ],
  faults: [
    async ({ context }, use) => {
      const faults: string[] = [];
      context.on("console", (message) => message.type() === "error" && faults.push(message.text()));
      context.on("weberror", (error) => faults.push(error.error().message));
      context.on("request", (request) => {
        const { hostname, protocol } = new URL(request.url());
        if (hostname !== "127.0.0.1" && protocol !== "blob:") faults.push(request.url());
      });
      await use(faults);
      expect(faults).toEqual([]);
    },
    { auto: true },
  ],
});

/** A stored model that answers at once. */
export const quick = { stored: "all", wordMs: 0 } as const;

export const field = (page: Page) => page.getByRole("textbox", { name: "Message", exact: true });
export const answers = (page: Page) => page.locator(".answer-foot");
export const bubbles = (page: Page) => page.locator(".bubble");
export const dialog = (page: Page, name: "Settings" | "Models" | "Keyboard") => page.getByRole("dialog", { name });

export async function send(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press("Enter");
}

/** Sends and waits until the answer stands. */
export async function ask(page: Page, text: string): Promise<void> {
  const before = await answers(page).count();
  await send(page, text);
  await expect(answers(page)).toHaveCount(before + 1);
}

export async function openSettings(page: Page): Promise<void> {
  await expect(async () => {
    // A page that has just been opened may not listen yet.
    if (await dialog(page, "Settings").isHidden()) await page.keyboard.press("Control+,");
    await expect(dialog(page, "Settings")).toBeVisible({ timeout: 1000 });
  }).toPass();
}

/** Chooses an entry of the menu of a conversation in the list. */
export async function chooseInList(page: Page, title: string, entry: string): Promise<void> {
  await page.getByRole("link", { name: title }).hover();
  await page.getByRole("button", { name: `More for “${title}”` }).click();
  await page.getByRole("menuitem", { name: entry }).click();
}

/** Asks another question in a message's place. */
export async function edit(page: Page, index: number, text: string): Promise<void> {
  await bubbles(page).nth(index).hover();
  await page.getByRole("button", { name: "Edit message" }).nth(index).click();
  await page.getByRole("textbox", { name: "Edit message" }).fill(text);
  await page.keyboard.press("Enter");
}
