// node apps/chat/scripts/screenshots.mjs [--few] [NAME...]
// Pictures of the page's states into .cache/screenshots: phone and desktop, light and dark; with --few one of each.

import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { build } from "vite";
import { findBrowser } from "../../../scripts/browser.mjs";
import { serve } from "../../../scripts/serve.mjs";
import { say } from "../../../scripts/workspace.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const answer = readFileSync(new URL("../test/sample-answer.md", import.meta.url), "utf8");
const folder = join(root, ".cache/screenshots");

/** @typedef {import("playwright").Page} Page */
/** @param {Page} page @param {string} text */
async function ask(page, text) {
  const before = await page.locator(".answer-foot").count();
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.locator(".answer-foot").nth(before).waitFor();
}
/** @param {Page} page */
const start = async (page) => {
  await page.getByRole("button", { name: /^(Start|Load model)/ }).click();
  await page.getByText("What is on your mind?").waitFor();
};
/** @param {Page} page @param {string} name @param {string} text */
const attach = async (page, name, text) =>
  page.getByLabel("Attach a text file").setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
/** @param {Page} page */
const openSidebar = async (page) => {
  const button = page.getByRole("button", { name: "Show conversations" });
  if (await button.isVisible()) await button.click();
};
/** @type {import("../test/scenario.ts").Scenario} */
const quick = { stored: "all", wordMs: 0 };

/** @type {Record<string, { scenario: import("../test/scenario.ts").Scenario, steps?: (page: Page) => Promise<void> }>} */
const states = {
  "first-visit": { scenario: {} },
  "first-visit-other": { scenario: {}, steps: async (page) => page.getByText("Use another model").click() },
  resume: { scenario: { stored: "part" } },
  stored: { scenario: { stored: "all", gpu: "none" } },
  loading: {
    scenario: { holdLoadAt: "download" },
    steps: async (page) => {
      await page.getByRole("button", { name: /Load model/ }).click();
      await page.getByText(/39 of 98/).waitFor();
    },
  },
  "load-failed": {
    scenario: { loadError: "quota-exceeded" },
    steps: async (page) => {
      await page.getByRole("button", { name: /Load model/ }).click();
      await page.getByRole("alert").waitFor();
    },
  },
  unavailable: { scenario: { unavailable: true } },
  ready: { scenario: quick, steps: start },
  reading: {
    scenario: { ...quick, holdReading: true },
    steps: async (page) => {
      await start(page);
      await page.getByRole("textbox", { name: "Message" }).fill("Summarise this, please. ".repeat(60));
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await page.getByText(/Reading \d/).waitFor();
    },
  },
  streaming: {
    scenario: { ...quick, wordMs: 3, answer, holdAfterWords: 60 },
    steps: async (page) => {
      await start(page);
      await page.getByRole("textbox", { name: "Message" }).fill("How do I make a good pot of green tea?");
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await page.getByText("What you need").waitFor();
      await page.waitForTimeout(900);
    },
  },
  conversation: {
    scenario: { ...quick, wordMs: 3, answer, gpu: "none" },
    steps: async (page) => {
      await start(page);
      await ask(page, "How do I make a good pot of green tea?");
      await page.locator(".scroller").evaluate((element) => element.scrollTo(0, 0));
      await page.getByRole("button", { name: "Latest" }).waitFor();
    },
  },
  "conversation-end": {
    scenario: { ...quick, wordMs: 2, answer },
    steps: async (page) => {
      await start(page);
      await ask(page, "How do I make a good pot of green tea?");
      await ask(page, "Thank you! And in one sentence?\nI have a cup and a sieve.");
    },
  },
  sidebar: {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      for (const question of [
        "Why is the sky blue?",
        "Ideas for a simple dinner on a cold evening in November",
        "A short poem about autumn rain",
      ]) {
        await ask(page, question);
        await page.keyboard.press("Control+Shift+O");
      }
      await openSidebar(page);
      await page.getByRole("link", { name: "Why is the sky blue?" }).click();
      await openSidebar(page);
    },
  },
  editing: {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await ask(page, "Why is the sky blue?");
      await ask(page, "And at sunset?");
      await page.getByRole("button", { name: "Edit message" }).first().click();
    },
  },
  "answer-failed": {
    scenario: { ...quick, answer, answerError: "device-lost" },
    steps: async (page) => {
      await start(page);
      await page.getByRole("textbox", { name: "Message" }).fill("How do I make a good pot of green tea?");
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await page.getByRole("alert").first().waitFor();
    },
  },
  "context-full": {
    scenario: { ...quick, contextLength: 110 },
    steps: async (page) => {
      await start(page);
      await ask(page, "Why is the sky blue?");
      await ask(page, "And why is it red when the sun goes down, though it is the same air that the light comes through?");
      await page.getByRole("button", { name: /^Context/ }).click();
    },
  },
  "context-exceeded": {
    scenario: { ...quick, contextLength: 60 },
    steps: async (page) => {
      await start(page);
      await ask(
        page,
        "Why is the sky blue? Explain it to me as you would to a person who knows physics, and at length, please. ".repeat(3),
      );
    },
  },
  "meter-remembers": {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await attach(page, "The Sea-Wolf.txt", "The whale rose slowly from the deep. ".repeat(1800));
      await ask(page, "Who is the captain?");
      await page.getByRole("button", { name: /^Context/ }).click();
    },
  },
  "meter-endless": {
    scenario: { ...quick, retrieved: ["The whale rose"] },
    steps: async (page) => {
      await start(page);
      await page.keyboard.press("Control+,");
      await page.getByText("Endless", { exact: true }).click();
      await page.getByText("What is on your mind?").waitFor();
      await attach(page, "The Sea-Wolf.txt", "The whale rose slowly from the deep. ".repeat(900));
      await ask(page, "Who is the captain?");
      await page.getByRole("button", { name: /^Context/ }).click();
    },
  },
  attached: {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await ask(page, "Why is the sky blue?");
      await attach(page, "The Sea-Wolf.txt", "The whale rose slowly from the deep. ".repeat(6000));
      await attach(page, "notes of a very long journey through the north.md", "Snow again. ".repeat(400));
      await page.getByRole("textbox", { name: "Message" }).fill("Who is the captain?");
      await page
        .getByText(/tokens$/)
        .first()
        .waitFor();
    },
  },
  "reading-book": {
    scenario: { ...quick, holdReading: true, readMs: 4 },
    steps: async (page) => {
      await start(page);
      await attach(page, "The Sea-Wolf.txt", "The whale rose slowly from the deep. ".repeat(6000));
      await page.getByRole("textbox", { name: "Message" }).fill("Who is the captain?");
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await page.getByText(/per second/).waitFor();
      await page.waitForTimeout(2500);
    },
  },
  "looked-at": {
    scenario: {
      ...quick,
      answer: "The captain is called **Wolf Larsen**.\n\nHe commands the schooner *Ghost*.",
      retrieved: ["commands the schooner", "My uncle had a schooner", "Wolf Larsen, the captain, came on deck"],
      forgotten: "Who is the captain",
    },
    steps: async (page) => {
      await start(page);
      await ask(page, "My uncle had a schooner called the Petrel. Have you ever been at sea?");
      const book = "Snow fell all day on the sea. ".repeat(80);
      await attach(page, "The Sea-Wolf.txt", `${book}Then Wolf Larsen, the captain, came on deck and spoke to nobody. ${book}`);
      await ask(page, "Who is the captain of the ship?");
      await ask(page, "And what does he command?");
      await page.getByRole("button", { name: "Show what it looked at" }).last().click();
      await page.waitForTimeout(300);
    },
  },
  measuring: {
    scenario: { ...quick, headMap: "missing", holdMeasure: true },
    steps: async (page) => {
      await start(page);
      await ask(page, "Why is the sky blue?");
      await page.keyboard.press("Control+,");
      await page.getByRole("button", { name: "Measure it here" }).click();
      await page.getByText("8 of 20").waitFor();
    },
  },
  "settings-memory": {
    scenario: { ...quick, headMap: "missing" },
    steps: async (page) => {
      await start(page);
      await page.keyboard.press("Control+,");
      await page.getByRole("button", { name: "Measure it here" }).scrollIntoViewIfNeeded();
    },
  },
  settings: {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await page.keyboard.press("Control+,");
      await page.getByRole("dialog").waitFor();
    },
  },
  "settings-processor": {
    scenario: { ...quick, gpu: "none" },
    steps: async (page) => {
      await start(page);
      await page.keyboard.press("Control+,");
      await page.getByText("2 threads compute").waitFor();
    },
  },
  "loading-processor": {
    scenario: { stored: "all", gpu: "none", holdLoadAt: "upload" },
    steps: async (page) => {
      await page.getByRole("button", { name: "Start", exact: true }).click();
      await page.getByText(/39 of 98/).waitFor();
    },
  },
  "gpu-offered": {
    scenario: { ...quick, gpu: "later" },
    steps: async (page) => {
      await start(page);
      await ask(page, "Why is the sky blue?");
      await page.evaluate(() => {
        performance.now = () => 1e9;
        document.dispatchEvent(new Event("visibilitychange"));
      });
      await page.getByText("A graphics card is available now.").waitFor();
    },
  },
  models: {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await page.getByTitle("Models").click();
      await page.getByText("Use another model").click();
    },
  },
  shortcuts: {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await page.keyboard.press("Control+/");
    },
  },
  undo: {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await ask(page, "Why is the sky blue?");
      await ask(page, "And at sunset?");
      await page.locator(".question").first().hover();
      await page.getByRole("button", { name: "Delete message and answer" }).first().click();
    },
  },
};

const shapes = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

const wanted = process.argv.slice(2).filter((argument) => argument !== "--few");
const few = process.argv.includes("--few");
await build({ configFile: join(root, "apps/chat/test/vite.config.ts") });
const served = await serve({ dist: join(root, ".cache/chat-with-double"), models: folder });
const executablePath = await findBrowser();
const browser = await chromium.launch({ ...(executablePath === undefined ? {} : { executablePath }), args: ["--no-sandbox"] });
let failed = false;
for (const [name, { scenario, steps }] of Object.entries(states)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const [shapeName, shape] of Object.entries(shapes)) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      if (few && (shapeName === "phone") !== (colorScheme === "dark")) continue;
      const context = await browser.newContext({ ...shape, colorScheme, reducedMotion: "reduce" });
      context.setDefaultTimeout(20_000);
      context.setDefaultNavigationTimeout(60_000);
      const page = await context.newPage();
      page.on("pageerror", (error) => say(`${name}: ${error.message}`));
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") say(`${name}: ${message.text()}`);
      });
      await page.goto(`${served.url}?scenario=${encodeURIComponent(JSON.stringify(scenario))}`);
      try {
        await steps?.(page);
      } catch (error) {
        failed = true;
        say(`${name} ${shapeName} ${colorScheme}: ${error instanceof Error ? error.message : String(error)}`);
      }
      await page.waitForTimeout(250);
      const path = join(folder, `${name}-${shapeName}-${colorScheme}.png`);
      mkdirSync(dirname(path), { recursive: true });
      await page.screenshot({ path });
      await context.close();
    }
  }
}
await browser.close();
await served.close();
process.exitCode = failed ? 1 : 0;
