import type { BrowserContext, Page } from "@playwright/test";
import { tinyModel } from "@longtab/formats/testing";
import { drop } from "./support/drop.ts";
import { expect, test } from "./support/fixtures.ts";
import { MeteredOrigin } from "./support/metered-origin.ts";

/** The chat page on the processor, which it takes by itself where a processor would also play the graphics card. */
const MODEL = tinyModel({ contextLength: 2048, layers: 4 });
const READY = { timeout: 120_000 };

const card = (page: Page) => page.getByRole("region", { name: "Model" });
const field = (page: Page) => page.getByRole("textbox", { name: "Message", exact: true });
const isolated = async (page: Page) => page.evaluate(() => crossOriginIsolated);

async function startModel(page: Page): Promise<void> {
  await drop(page, "mine.gguf", MODEL);
  await expect(field(page)).toBeFocused(READY);
}

/** What the settings say of the loaded model. */
async function expectSaid(page: Page, words: string | RegExp): Promise<void> {
  await page.keyboard.press("Control+,");
  const settings = page.getByRole("dialog", { name: "Settings" });
  await expect(settings).toContainText(words);
  await settings.getByRole("button", { name: "Close" }).click();
}

async function answerTo(page: Page, question: string): Promise<string> {
  const answers = page.locator(".answer-foot");
  const before = await answers.count();
  await field(page).fill(question);
  await field(page).press("Enter");
  await expect(answers).toHaveCount(before + 1, READY);
  return page.locator(".answer .markdown").last().innerText();
}

test("several threads write while the page stays responsive, and one line says where it runs", async ({ page, baseURL }) => {
  let loads = 0;
  page.on("domcontentloaded", () => (loads += 1));
  await page.goto(baseURL ?? "");
  expect(await isolated(page)).toBe(true);
  await startModel(page);
  await expect(page.locator("#composer-note")).toContainText("Runs on the processor: there is no graphics card here");
  await expectSaid(page, /[2-9]\d* threads compute/);
  // A machine that is busy with something else makes tasks long now and then; a page that is busy itself does so at every answer.
  let longTasks = Infinity;
  for (let answers = 0; longTasks > 0 && answers < 10; answers++) {
    await page.evaluate(() => {
      const tasks = ((window as unknown as { tasks: PerformanceEntry[] }).tasks = []) as PerformanceEntry[];
      new PerformanceObserver((list) => tasks.push(...list.getEntries())).observe({ type: "longtask" });
    });
    expect(await answerTo(page, "Tell me something long")).toMatch(/\S{3}/);
    longTasks = await page.evaluate(() => (window as unknown as { tasks: PerformanceEntry[] }).tasks.length);
  }
  expect(longTasks).toBe(0);
  // A server that sends the headers saves the page its reload.
  expect(loads).toBe(1);
});

test("a conversation goes on when its model moves from the processor to the graphics card and back", async ({ page, baseURL }) => {
  await page.goto(baseURL ?? "");
  await startModel(page);
  await answerTo(page, "one");
  for (const [place, note, question] of [
    ["Graphics card", "Runs on software that imitates a graphics card, as chosen", "two"],
    ["Processor", "Runs on the processor, as chosen", "three"],
  ] as const) {
    await page.keyboard.press("Control+,");
    await page.getByRole("dialog", { name: "Settings" }).getByLabel(place, { exact: true }).click({ force: true });
    await expect(page.locator("#composer-note")).toContainText(note, READY);
    await field(page).fill(question);
    await field(page).press("Enter");
    await expect(page.locator(".answer").last()).toContainText(/\S{3}/, READY);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("button", { name: "Send", exact: true })).toBeVisible();
  }
  await expect(page.locator(".bubble")).toHaveText(["one", "two", "three"]);
});

test("a conversation goes on after a reload without being read again", async ({ page, baseURL }) => {
  await page.goto(baseURL ?? "");
  await startModel(page);
  await answerTo(page, "Tell me something long about the sea and all that lives in it. ".repeat(4));
  // What the model has read is kept once nothing is asked for a moment.
  await expect
    .poll(async () => page.evaluate(async () => (await indexedDB.databases()).some(({ name }) => name === "longtab-sessions")))
    .toBe(true);
  await page.waitForTimeout(2000);
  await page.reload();
  await card(page).getByRole("button", { name: "Start", exact: true }).click();
  await expect(field(page)).toBeFocused(READY);
  await answerTo(page, "Go on");
  await expect(page.locator(".stats").last()).toHaveAttribute("title", /[12]\d\d tokens of it still known/);
});

test.describe("on a host that sends no headers", () => {
  let origin: MeteredOrigin;
  test.beforeEach(async ({ baseURL }) => {
    origin = await MeteredOrigin.start(baseURL ?? "");
    origin.isolating = false;
  });
  test.afterEach(async () => origin.close());

  const countLoads = (page: Page) => {
    const loads = { count: 0 };
    page.on("domcontentloaded", () => (loads.count += 1));
    return loads;
  };
  /** Holds the service worker back, so that a person has time to begin something. */
  const slowServiceWorker = async (context: BrowserContext) =>
    context.addInitScript(() => {
      const register = navigator.serviceWorker.register.bind(navigator.serviceWorker);
      navigator.serviceWorker.register = async (...args) => {
        await new Promise((resolve) => window.addEventListener("register-now", resolve, { once: true }));
        return register(...args);
      };
    });

  test("the first visit becomes isolated with one reload, later ones are so at once, and threads compute", async ({ page }) => {
    const loads = countLoads(page);
    await page.goto(origin.url);
    await expect.poll(async () => isolated(page).catch(() => false)).toBe(true);
    await expect(card(page)).toContainText("Runs on the processor");
    expect(loads.count).toBe(2);
    await page.reload();
    await expect(card(page)).toContainText("Runs on the processor");
    expect(await isolated(page)).toBe(true);
    await page.waitForTimeout(500);
    expect(loads.count).toBe(3);
    await startModel(page);
    await expectSaid(page, /[2-9]\d* threads compute/);
    expect(await answerTo(page, "Hello")).toMatch(/\S{3}/);
  });

  test("nothing that was begun is reloaded away: one thread computes until the person reloads", async ({ page, context }) => {
    await slowServiceWorker(context);
    const loads = countLoads(page);
    await page.goto(origin.url);
    await startModel(page);
    await field(page).fill("half a thought");
    await page.evaluate(() => window.dispatchEvent(new Event("register-now")));
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await expectSaid(page, "One thread computes; after a reload there can be more");
    await expect(field(page)).toHaveValue("half a thought");
    expect(loads.count).toBe(1);
    await page.reload();
    expect(await isolated(page)).toBe(true);
  });

  test("a page for a graphics card is not reloaded", async ({ page, context }) => {
    await context.addInitScript(() => {
      localStorage["longtab-settings"] ??= JSON.stringify({ backend: "webgpu" });
    });
    const loads = countLoads(page);
    await page.goto(origin.url);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await page.waitForTimeout(500);
    expect(loads.count).toBe(1);
    expect(await isolated(page)).toBe(false);
  });

  test("a browser without service workers computes with one thread, and the settings say how to get more", async ({ page, context }) => {
    await context.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, "serviceWorker"));
    const loads = countLoads(page);
    await page.goto(origin.url);
    await startModel(page);
    await expectSaid(page, "One thread computes, because this page is not cross-origin isolated");
    expect(await answerTo(page, "Hello")).toMatch(/\S{3}/);
    expect(loads.count).toBe(1);
  });
});
