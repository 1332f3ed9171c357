import type { Page } from "@playwright/test";

/** Drops a file of these bytes on the page, as a person does. */
export async function drop(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  await page.locator(".app").waitFor();
  const dataTransfer = await page.evaluateHandle(
    ([fileName, contents]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(contents)], fileName));
      return data;
    },
    [name, Array.from(bytes)] as const,
  );
  await page.dispatchEvent("body", "dragover", { dataTransfer });
  await page.dispatchEvent("body", "drop", { dataTransfer });
}
