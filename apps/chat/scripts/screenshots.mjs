// npm run screenshots [-- --few] [--axe] [NAME...]
// Pictures of the page's states (see states/) into .cache/screenshots: phone and desktop, light and dark; with --few one of each. With --axe
// each is also examined for accessibility, and the command fails where something is found. With --keep the chosen ones are
// copied to where they are committed.

import { copyFileSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright";
import { build } from "vite";
import { findBrowser } from "../../../scripts/browser.mjs";
import { bundleEmbed } from "../../../scripts/build-embed.mjs";
import { modelsFolder } from "../../../scripts/catalogue.mjs";
import { serve } from "../../../scripts/serve.mjs";
import { root, say, scratch } from "../../../scripts/workspace.mjs";
import { examine } from "./examine.mjs";
import { addressOf, shapes, states } from "./states/index.mjs";

const pictures = join(scratch, "screenshots");
const withDouble = join(scratch, "chat-with-double");

/** Pictures that are committed: those that a browser shows before it installs the page, and one of README.md. @type {Record<string, string>} */
const KEPT = {
  "conversation-desktop-light": "public/screenshots/wide.png",
  "conversation-phone-light": "public/screenshots/narrow.png",
  "widget-atlas-answered-desktop-light": "pictures/widget.png",
};

const options = new Set(process.argv.slice(2).filter((argument) => argument.startsWith("--")));
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const unknown = wanted.find((name) => states[name] === undefined);
if (unknown !== undefined) {
  say(`There is no state "${unknown}". The states are: ${Object.keys(states).join(" ")}.`);
  process.exit(2);
}

mkdirSync(pictures, { recursive: true });
await build({ configFile: join(root, "apps/chat/test/vite.config.ts") });
const served = await serve({ dist: withDouble, models: pictures });
const hosts = join(scratch, "widget-hosts");
mkdirSync(hosts, { recursive: true });
const hosting = await serve({ dist: hosts, models: hosts, plain: true });
const site = { url: served.url, folder: withDouble, widget: await buildWidget() };
const executablePath = await findBrowser();
const browser = await chromium.launch({ ...(executablePath === undefined ? {} : { executablePath }), args: ["--no-sandbox"] });
for (const [name, state] of Object.entries(states)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const [shapeName, shape] of Object.entries(shapes)) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      if (options.has("--few") && (shapeName === "phone") !== (colorScheme === "dark")) continue;
      await take(`${name}-${shapeName}-${colorScheme}`, state, { ...shape, ...state.context, colorScheme, reducedMotion: "reduce" });
    }
  }
}
await browser.close();
await served.close();
await hosting.close();

/** @param {string} name @param {import("./states/steps.mjs").State} state @param {import("playwright").BrowserContextOptions} contextOptions */
async function take(name, state, contextOptions) {
  const context = await browser.newContext(contextOptions);
  context.setDefaultTimeout(20_000);
  context.setDefaultNavigationTimeout(60_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => say(`${name}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") say(`${name}: ${message.text()}`);
  });
  try {
    if (state.scenario !== undefined) await page.goto(addressOf(state, served.url));
    await state.steps?.(page, site);
    await page.waitForTimeout(250);
    await page.screenshot({ path: join(pictures, `${name}.png`) });
    const kept = KEPT[name];
    if (kept !== undefined && options.has("--keep")) copyFileSync(join(pictures, `${name}.png`), join(root, "apps/chat", kept));
    for (const violation of options.has("--axe") ? await examine(page) : []) fail(`${name}: ${violation}`);
  } catch (error) {
    fail(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  await context.close();
}

/** Builds the widget into the served folder, with models beside it for pages of other origins. */
async function buildWidget() {
  const outDir = join(withDouble, "embed");
  await bundleEmbed({ outDir, emptyOutDir: true });
  if (!existsSync(join(outDir, "models"))) symlinkSync(modelsFolder(), join(outDir, "models"));
  return { script: `${served.url}embed/longtab-chat.js`, models: `${served.url}embed/models/`, host: hosting.url, folder: hosts };
}

/** @param {string} words */
function fail(words) {
  say(words);
  process.exitCode = 1;
}
