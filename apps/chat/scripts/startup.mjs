// node apps/chat/scripts/startup.mjs [FOLDER] [--rounds N]      How long the built page takes to open and to answer.
// The host is on this machine and sends headers; times are milliseconds from the navigation, the median of the rounds (5) and their range.
//   cold   a browser that was never there: page and service worker come from the host
//   warm   a browser that was restarted: the page comes from the service worker, and the host is gone
// The answer is the first word of one to a short question, from the stored default model, which the page starts by itself.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright";
import { findBrowser } from "../../../scripts/browser.mjs";
import { dist } from "../../../scripts/build-chat.mjs";
import { modelsFolder } from "../../../scripts/catalogue.mjs";
import { serve } from "../../../scripts/serve.mjs";

const { values, positionals } = parseArgs({ options: { rounds: { type: "string", default: "5" } }, allowPositionals: true });
const folder = positionals[0] ?? dist;
const executablePath = await findBrowser();

/** @type {Record<string, Record<string, number[]>>} */
const times = { cold: {}, warm: {} };
for (let round = 0; round < Number(values.rounds); round++) await measure();
for (const [start, measures] of Object.entries(times)) {
  for (const [name, all] of Object.entries(measures)) {
    const sorted = all.toSorted((a, b) => a - b);
    const [median = 0, least = 0, most = 0] = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)].map((time) => Math.round(time ?? 0));
    console.log(`${start.padEnd(5)} ${name.padEnd(28)} ${String(median).padStart(6)}  (${least} to ${most})`);
  }
}

/** One browser that was never there, and the same one restarted. */
async function measure() {
  const profile = mkdtempSync(join(tmpdir(), "longtab-startup-"));
  const served = await serve({ dist: folder, models: modelsFolder() });
  await visit(profile, served.url, "cold", async (page) => {
    await page.getByRole("button", { name: /^Load model/ }).click();
    await page.getByText("What is on your mind?").waitFor();
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  });
  await served.close();
  await visit(profile, served.url, "warm", async (page) => {
    await page.getByText("What is on your mind?").waitFor();
    note("warm", "stored model ready", await now(page));
    await page.getByRole("textbox", { name: "Message", exact: true }).fill("Why is the sky blue?");
    const asked = await now(page);
    await page.keyboard.press("Enter");
    await page.locator(".answer .markdown, .answer.streaming").getByText(/\S/).first().waitFor();
    note("warm", "first word after the question", (await now(page)) - asked);
  });
  rmSync(profile, { recursive: true, force: true });
}

/** @param {string} profile @param {string} url @param {"cold" | "warm"} start @param {(page: import("playwright").Page) => Promise<void>} goOn */
async function visit(profile, url, start, goOn) {
  const context = await chromium.launchPersistentContext(profile, {
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ["--no-sandbox"],
    viewport: { width: 1280, height: 800 },
  });
  await context.addInitScript(() => {
    localStorage["longtab-settings"] ??= JSON.stringify({ autoStart: true });
  });
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(url, { waitUntil: "commit" });
  // The page can be used from its first frame on: nothing is rendered before it listens.
  await page.locator(".app").waitFor();
  note(start, "usable", await now(page));
  note(start, "first contentful paint", await page.evaluate(firstPaint));
  await goOn(page);
  await context.close();
}

/** Runs in the page. @returns {Promise<number>} */
function firstPaint() {
  return new Promise((resolve) => {
    new PerformanceObserver((list) => {
      const [paint] = list.getEntriesByName("first-contentful-paint");
      if (paint !== undefined) resolve(paint.startTime);
    }).observe({ type: "paint", buffered: true });
  });
}

/** @param {import("playwright").Page} page */
function now(page) {
  return page.evaluate(() => performance.now());
}

/** @param {"cold" | "warm"} start @param {string} name @param {number} time */
function note(start, name, time) {
  (times[start] ??= {})[name] = [...(times[start][name] ?? []), time];
}
