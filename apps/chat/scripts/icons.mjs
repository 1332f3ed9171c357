// node apps/chat/scripts/icons.mjs      makes the app's icons of public/icon.svg, in a browser. What it makes is committed.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { findBrowser } from "../../../scripts/browser.mjs";

const folder = fileURLToPath(new URL("../public/icons", import.meta.url));
const source = readFileSync(new URL("../public/icon.svg", import.meta.url), "utf8");
/** The mark is drawn on 32 x 32 units, on a rounded ground. */
const [ground = ""] = /<rect [^>]*>/.exec(source) ?? [];
const [mark = ""] = /<g [\s\S]*<\/g>/.exec(source) ?? [];
if (ground === "" || mark === "") throw new Error("icon.svg is drawn in another way than this script knows.");

/** The ground without its round corners: the system cuts its own. */
const square = ground.replace(/ rx="[^"]*"/, "");
/** @param {number} scale about the middle */
const scaled = (scale) => `<g transform="translate(16 16) scale(${scale}) translate(-16 -16)">${mark}</g>`;

/** @type {Record<string, { size: number, drawing: string }>} */
const icons = {
  "icon-192": { size: 192, drawing: ground + mark },
  "icon-512": { size: 512, drawing: ground + mark },
  // A circle of 80% of the width is all that is sure to be seen (W3C, Web Application Manifest, "Icon masks and safe zone").
  "maskable-192": { size: 192, drawing: square + scaled(0.8) },
  "maskable-512": { size: 512, drawing: square + scaled(0.8) },
  // Of this only the transparency counts.
  "monochrome-512": { size: 512, drawing: mark },
  "apple-touch-icon": { size: 180, drawing: square + scaled(0.9) },
};

mkdirSync(folder, { recursive: true });
const executablePath = await findBrowser();
const browser = await chromium.launch({ ...(executablePath === undefined ? {} : { executablePath }), args: ["--no-sandbox"] });
const page = await browser.newPage();
for (const [name, { size, drawing }] of Object.entries(icons)) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(
    `<style>body { margin: 0 } svg { display: block }</style><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="${size}" height="${size}">${drawing}</svg>`,
  );
  await page.screenshot({ path: join(folder, `${name}.png`), omitBackground: true });
}
await browser.close();
