// node apps/chat/scripts/lighthouse.mjs [FOLDER]      Lighthouse's figures for the built page, on a phone and on a desktop.
// Fails where accessibility, best practices or what search engines need is below 95. FOLDER is dist/ unless told otherwise.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findBrowser } from "../../../scripts/browser.mjs";
import { dist } from "../../../scripts/build-chat.mjs";
import { run } from "../../../scripts/command.mjs";
import { serve } from "../../../scripts/serve.mjs";
import { readJson, say, scratch } from "../../../scripts/workspace.mjs";

/** Fetched when it is run: it is large, and wanted rarely. Version 13 needs a newer Node. */
const LIGHTHOUSE = "lighthouse@12.8.2";
const CATEGORIES = { performance: 0, accessibility: 95, "best-practices": 95, seo: 95 };

const folder = join(scratch, "lighthouse");
mkdirSync(folder, { recursive: true });
const browser = await findBrowser();
const served = await serve({ dist: process.argv[2] ?? dist, models: folder });
/** @type {Record<string, string[]>} */
const forms = { phone: [], desktop: ["--preset=desktop"] };
for (const [form, options] of Object.entries(forms)) {
  const file = join(folder, `${form}.json`);
  const given = [
    "exec",
    "--yes",
    `--package=${LIGHTHOUSE}`,
    "--",
    "lighthouse",
    served.url,
    "--quiet",
    "--output=json",
    `--output-path=${file}`,
    `--only-categories=${Object.keys(CATEGORIES).join(",")}`,
    "--chrome-flags=--headless=new --no-sandbox --enable-unsafe-webgpu",
    ...options,
  ];
  const { status } = await run("npm", given, {
    output: "stderr",
    seconds: 300,
    env: browser === undefined ? {} : { CHROME_PATH: browser },
  });
  if (status !== 0) throw new Error(`Lighthouse ended with status ${status}.`);
  report(form, file);
}
await served.close();

/** @param {string} form @param {string} file */
function report(form, file) {
  const { categories, audits } =
    /** @type {{ categories: Record<string, { score: number, auditRefs: { id: string, weight: number }[] }>, audits: Record<string, { score: number | null, title: string, displayValue?: string }> }} */ (
      readJson(file)
    );
  for (const [name, least] of Object.entries(CATEGORIES)) {
    const category = categories[name];
    const score = Math.round((category?.score ?? 0) * 100);
    console.log(`${form.padEnd(8)} ${name.padEnd(15)} ${score}`);
    if (score < least) process.exitCode = 1;
    if (least === 0) continue;
    for (const { id, weight } of category?.auditRefs ?? []) {
      const audit = audits[id];
      if (audit?.score !== null && audit?.score !== undefined && audit.score < 1)
        say(`         ${weight > 0 ? "lost" : "said"}: ${audit.title}`);
    }
  }
  for (const id of ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift"])
    console.log(`${form.padEnd(8)} ${id.padEnd(25)} ${audits[id]?.displayValue ?? ""}`);
}
