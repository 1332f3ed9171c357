import type { BrowserContext } from "@playwright/test";
import type { Scenario } from "../apps/chat/test/scenario.ts";
import { type Page, expect, field, test } from "./support/chat-test.ts";
import { HostedPage } from "./support/hosted-page.ts";

/** New versions of the page: offered, never forced, and never half. */
const offer = (page: Page) => page.getByRole("region", { name: "New version" });
const version = async (page: Page) => page.evaluate(() => document.documentElement.dataset["version"] ?? "1").catch(() => "");
const versionsStored = async (page: Page) => page.evaluate(async () => (await caches.keys()).length);
const lookForUpdate = async (page: Page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    await registration?.update();
    // Resolves when the new version is stored, or could not be.
    const found = registration?.installing;
    await new Promise<void>((resolve) => {
      if (found === null || found === undefined) resolve();
      found?.addEventListener("statechange", () => resolve());
    });
    return registration?.waiting !== null;
  });
const second = (html: string) => html.replace("<html", '<html data-version="2"');
const held: Scenario = { stored: "all", wordMs: 0, answer: "One two three four.", holdAfterWords: 2 };

async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${url}?scenario=${encodeURIComponent(JSON.stringify(held))}`);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByText("What is on your mind?").waitFor();
  return page;
}

async function beginAnswer(page: Page): Promise<void> {
  await field(page).fill("Count.");
  await field(page).press("Enter");
  await expect(page.locator(".answer")).toContainText("One two three");
}

test("a new version waits for every tab's answer, is applied by a button, and loses no word", async ({ context, chat }) => {
  const host = await HostedPage.start(chat.folder, { plain: false });
  const [page, other] = [await open(context, host.url), await open(context, host.url)];
  host.release("index.html", second);
  await beginAnswer(page);
  expect(await lookForUpdate(page)).toBe(true);
  await expect(offer(other)).toBeVisible();
  await expect(offer(page)).toHaveCount(0);
  await page.keyboard.press("Escape");
  await expect(offer(page)).toContainText("A new version of Longtab is ready.");
  expect(await version(page)).toBe("1");

  await beginAnswer(other);
  await field(page).fill("half a thought");
  await offer(page).getByRole("button", { name: "Update" }).click();
  await expect(offer(page)).toContainText("as soon as its other tabs have finished");
  await expect(other.locator(".answer.streaming")).toBeVisible();
  expect(await version(other)).toBe("1");
  await other.keyboard.press("Escape");

  for (const tab of [page, other]) await expect.poll(async () => version(tab)).toBe("2");
  await expect(field(page)).toHaveValue("half a thought");
  await expect(page.locator(".bubble")).toHaveText("Count.");
  // The model that was loaded is loaded again.
  await expect(page.getByRole("button", { name: /SmolLM2.*ready/ })).toBeVisible();
  await expect(offer(page)).toHaveCount(0);
  expect(await versionsStored(page)).toBe(1);
  await host.close();
});

test("a new version that is put off is used when the page is opened the next time", async ({ context, chat }) => {
  const host = await HostedPage.start(chat.folder);
  const page = await open(context, host.url);
  host.release("index.html", second);
  expect(await lookForUpdate(page)).toBe(true);
  await offer(page).getByRole("button", { name: "Later" }).click();
  await expect(offer(page)).toHaveCount(0);
  await page.close();
  const again = await context.newPage();
  // Which the browser does in its own time once the last tab is gone.
  await expect
    .poll(async () => {
      await again.goto("about:blank");
      await again.goto(host.url);
      return version(again);
    })
    .toBe("2");
  await host.close();
});

test("a new version that is not whole, or not what was built, leaves the old one at work until it is", async ({ context, chat }) => {
  const host = await HostedPage.start(chat.folder);
  const page = await open(context, host.url);
  host.release("index.html", second);
  host.release("icon.svg", (svg) => `${svg}<!-- changed -->`);
  const putBack = host.remove("icon.svg");
  expect(await lookForUpdate(page)).toBe(false);
  host.write("icon.svg", "<title>Sign in to this network</title>");
  expect(await lookForUpdate(page)).toBe(false);
  await page.reload();
  await expect(page.getByRole("button", { name: "Start", exact: true })).toBeVisible();
  expect(await version(page)).toBe("1");
  putBack();
  expect(await lookForUpdate(page)).toBe(true);
  await offer(page).getByRole("button", { name: "Update" }).click();
  await expect.poll(async () => version(page)).toBe("2");
  await host.close();
});
