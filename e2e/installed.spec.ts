import { type BrowserContext, type Page, chromium } from "@playwright/test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dist } from "../scripts/build-chat.mjs";
import { modelsFolder } from "../scripts/catalogue.mjs";
import { tinyModel } from "@longtab/formats/testing";
import { expect, test } from "./support/fixtures.ts";
import { HostedPage } from "./support/hosted-page.ts";

const READY = { timeout: 120_000 };
/** Long enough that what was read of it is worth keeping. */
const QUESTION =
  "I am planning a walk along the coast of Brittany next week, four days from village to village, with a tent and as little else as I can. " +
  "The weather there changes quickly in autumn, and the tides are among the largest of Europe. Which three things should I not forget?";

const card = (page: Page) => page.getByRole("region", { name: "Model" });
const isolated = async (page: Page) => page.evaluate(() => crossOriginIsolated).catch(() => false);

async function ask(page: Page, question: string): Promise<void> {
  const answers = page.locator(".answer-foot");
  const before = await answers.count();
  await page.getByRole("textbox", { name: "Message", exact: true }).fill(question);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(answers).toHaveCount(before + 1, READY);
}

/** Sessions that are stored, whole. */
const sessions = async (page: Page) =>
  page.evaluate(
    async () =>
      new Promise<number>((resolve) => {
        indexedDB.open("longtab-sessions").addEventListener("success", (event) => {
          const database = (event.target as IDBOpenDBRequest).result;
          if (!database.objectStoreNames.contains("sessions")) return resolve(0);
          const keys = database.transaction("sessions").objectStore("sessions").getAllKeys();
          keys.addEventListener("success", () => {
            database.close();
            resolve(keys.result.filter((key) => Array.isArray(key) && key[0] === "session").length);
          });
        });
      }),
  );

/** Sampling that gives the same words every time. */
const greedy = async (context: BrowserContext) =>
  context.addInitScript(() => {
    localStorage["longtab-settings"] ??= JSON.stringify({ temperature: 0, repetitionPenalty: 1, maxTokens: 40 });
  });

test("yesterday's conversation goes on without a network, in a browser that was restarted, without being read again", async ({
  launchOptions,
  viewport,
}) => {
  test.setTimeout(240_000);
  const profile = mkdtempSync(join(tmpdir(), "longtab-profile-"));
  const host = await HostedPage.start(dist, { models: modelsFolder() });
  let said = "";
  const browse = async (offline: boolean): Promise<{ context: BrowserContext; page: Page }> => {
    const context = await chromium.launchPersistentContext(profile, { ...launchOptions, viewport, offline });
    return { context, page: context.pages()[0] ?? (await context.newPage()) };
  };

  await test.step("with a network: the page becomes isolated, stores a model and answers", async () => {
    const { context, page } = await browse(false);
    await greedy(context);
    await page.goto(host.url);
    await expect.poll(async () => isolated(page)).toBe(true);
    const session = await context.newCDPSession(page);
    const { errors } = await session.send("Page.getAppManifest");
    expect(errors).toEqual([]);
    expect(await session.send("Page.getInstallabilityErrors")).toEqual({ installabilityErrors: [] });
    await card(page)
      .getByRole("button", { name: /^Load model/ })
      .click();
    await expect(card(page)).toBeHidden(READY);
    await ask(page, QUESTION);
    said = await page.locator(".answer .markdown").innerText();
    expect(said).toMatch(/\S{3}/);
    await expect.poll(async () => sessions(page), READY).toBe(1);
    await context.close();
  });

  await host.close();

  await test.step("without one: the page, the conversation, the model and what it had read are all there", async () => {
    const { context, page } = await browse(true);
    await page.goto(host.url);
    expect(await isolated(page)).toBe(true);
    await page.getByRole("link", { name: /coast of Brittany|walk along/ }).click();
    await expect(page.locator(".bubble")).toHaveText(QUESTION);
    await expect(page.locator(".answer .markdown")).toHaveText(said, { useInnerText: true });
    await expect(page.getByRole("button", { name: "Offline" })).toBeVisible();
    await card(page).getByRole("button", { name: "Start", exact: true }).click();
    await expect(card(page)).toBeHidden(READY);
    await ask(page, "And which one of them first?");
    // The prompt is what was read yesterday, the end of its answer, and the new question.
    const words = (await page.locator(".stats").last().getAttribute("title")) ?? "";
    const [, tokens, known] = (/(\d+) tokens?\D+(\d+) tokens? of it still known/.exec(words) ?? []).map(Number);
    expect(known, words).toBeGreaterThan(100);
    expect((tokens ?? Infinity) - (known ?? 0), words).toBeLessThan(24);
    await page.keyboard.press("Control+,");
    await expect(page.getByRole("dialog", { name: "Settings" })).toContainText(/[2-9]\d* threads compute/);
    await context.close();
  });
  rmSync(profile, { recursive: true });
});

test("under another path of a host the page is installable, opens without a network and leaves its neighbours alone", async ({
  page,
  context,
}) => {
  const host = await HostedPage.start(dist, { path: "apps/longtab/" });
  await page.goto(host.url);
  await expect.poll(async () => isolated(page)).toBe(true);
  const { errors, url } = await (await context.newCDPSession(page)).send("Page.getAppManifest");
  expect({ errors, url }).toEqual({ errors: [], url: `${host.url}manifest.webmanifest` });
  expect(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope))).toEqual([host.url]);
  // A path below that is not the page's is the host's own business.
  expect((await page.request.get(`${host.url}embed/`)).status()).toBe(404);
  await host.close();
  await page.goto(`${host.url}index.html`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  expect(await isolated(page)).toBe(true);
});

for (const size of ["desktop", "phone @phone"]) {
  test(`without a network a badge says what works, a model that is not stored is a plain error at once, and one's own file loads: ${size}`, async ({
    page,
    context,
  }) => {
    const host = await HostedPage.start(dist, { plain: false });
    await page.goto(host.url);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await expect(page.getByRole("button", { name: "Offline" })).toHaveCount(0);
    await host.close();
    await context.setOffline(true);
    await page.reload();
    await page.getByRole("button", { name: "Offline" }).click();
    await expect(page.getByRole("region", { name: "Offline" })).toContainText("No model is stored on this device yet");
    await page.keyboard.press("Escape");
    await card(page)
      .getByRole("button", { name: /^Load model/ })
      .click();
    // What it costs is a second try, and no wait for an answer that cannot come.
    await expect(page.getByRole("alert").filter({ hasText: "There is no connection" })).toBeVisible({ timeout: 5000 });
    await page
      .locator("input[type=file][accept='.gguf']")
      .first()
      .setInputFiles({
        name: "mine.gguf",
        mimeType: "application/octet-stream",
        buffer: Buffer.from(tinyModel({ contextLength: 2048, layers: 4 })),
      });
    await expect(page.getByRole("button", { name: /mine\.gguf.*ready/ })).toBeVisible({ timeout: 60_000 });
    await context.setOffline(false);
    await expect(page.getByRole("button", { name: "Offline" })).toHaveCount(0);
  });
}
