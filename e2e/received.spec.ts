import type { Scenario } from "../apps/chat/test/scenario.ts";
import { type Page, expect, field, test } from "./support/chat-test.ts";
import { HostedPage } from "./support/hosted-page.ts";

const controlled = async (page: Page) => page.waitForFunction(() => navigator.serviceWorker.controller !== null);

test.describe("what is sent to the app", () => {
  let host: HostedPage;
  test.beforeEach(async ({ chat }) => {
    host = await HostedPage.start(chat.folder);
  });
  test.afterEach(async () => host.close());

  const open = async (page: Page, scenario: Scenario): Promise<void> => {
    await page.goto(`${host.url}?scenario=${encodeURIComponent(JSON.stringify(scenario))}`);
    await controlled(page);
  };
  /** As a system's share sheet does: a form, which the web manifest describes. */
  const share = async (page: Page, fields: Record<string, string>, files: Record<string, string> = {}): Promise<void> => {
    const from = await page.context().newPage();
    const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
    await from.setContent(
      `<form method="post" enctype="multipart/form-data" action="${host.url}share">${inputs.join("")}<input type="file" name="files" multiple><button>Send</button></form>`,
    );
    await from
      .locator("input[type=file]")
      .setInputFiles(Object.entries(files).map(([name, text]) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) })));
    await from.getByRole("button", { name: "Send" }).click();
    await from.waitForURL(`${host.url}**`);
    await from.locator(".app").waitFor();
    await page.close();
  };
  const lastPage = (page: Page): Page => page.context().pages().at(-1) ?? page;

  test("words that are shared become the draft of a new chat, and texts are attached, without the host", async ({ page }) => {
    await open(page, {});
    await share(page, { title: "A page", text: "Read this", url: "https://example.com/a" }, { "notes.md": "# Notes\n\nOne." });
    const shown = lastPage(page);
    await expect(field(shown)).toHaveValue("A page\nRead this\nhttps://example.com/a");
    await expect(shown.getByText("notes.md", { exact: true })).toBeVisible();
    expect(new URL(shown.url()).search).toBe("");
    // It was taken: it does not come again.
    await shown.reload();
    await expect(field(shown)).toHaveValue("A page\nRead this\nhttps://example.com/a");
    await expect(shown.getByText("notes.md", { exact: true })).toHaveCount(1);
  });

  test("a model that is shared is asked about, because any website can send one, and then loaded", async ({ page }) => {
    await open(page, {});
    await share(page, {}, { "mine.gguf": "GGUF" });
    const shown = lastPage(page);
    await expect(shown.getByRole("region", { name: "Model sent here" })).toContainText("mine.gguf (4 bytes) was sent to Longtab.");
    await shown.getByRole("button", { name: "Load it" }).click();
    await expect(shown.getByRole("button", { name: /mine\.gguf/ })).toContainText("ready");
  });

  test("a model that is opened in the file manager is loaded, but not into the middle of an answer", async ({ page, context }) => {
    // A launch by the system cannot be had in a test; the queue's contract can: real handles of real files.
    await context.addInitScript(() => {
      const queue = { setConsumer: (consumer: unknown) => Object.assign(window, { launch: consumer }) };
      Object.defineProperty(window, "launchQueue", { value: queue });
    });
    const launch = async (name: string): Promise<void> =>
      page.evaluate(async (fileName) => {
        const folder = await navigator.storage.getDirectory();
        const handle = await folder.getFileHandle(fileName, { create: true });
        const writable = await handle.createWritable();
        await writable.write("GGUF");
        await writable.close();
        (window as unknown as { launch: (params: object) => void }).launch({ targetURL: location.href, files: [handle] });
      }, name);
    await open(page, { wordMs: 0, answer: "One two three four.", holdAfterWords: 2 });
    await launch("first.gguf");
    await expect(page.getByRole("button", { name: /first\.gguf/ })).toContainText("ready");
    await field(page).fill("Count.");
    await field(page).press("Enter");
    await expect(page.locator(".answer")).toContainText("One two three");
    await launch("second.gguf");
    await expect(page.getByText("was sent to Longtab")).toContainText("second.gguf");
    await expect(page.locator(".answer.streaming")).toBeVisible();
    await expect(page.getByRole("button", { name: /first\.gguf/ })).toContainText("ready");
  });

  test("the shortcut for a new chat opens one", async ({ page }) => {
    await open(page, { stored: "all", wordMs: 0 });
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await field(page).fill("Hello");
    await field(page).press("Enter");
    await expect(page.locator(".answer-foot")).toHaveCount(1);
    await page.goto(`${host.url}?new${new URL(page.url()).hash}`);
    await expect(page.locator(".app")).toBeVisible();
    await expect(page.locator(".bubble")).toHaveCount(0);
  });
});
