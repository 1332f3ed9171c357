import type { Locator, Page } from "@playwright/test";

/** Pastes as a person does. (Chromium types a text that is filled in key by key, which takes minutes for ten thousand lines.) */
export async function paste(page: Page, field: Locator, text: string): Promise<void> {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.evaluate(async (copied) => navigator.clipboard.writeText(copied), text);
  await field.focus();
  await page.keyboard.press("Control+V");
}
