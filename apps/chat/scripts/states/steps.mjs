import { readFileSync } from "node:fs";

/**
 * A state of the page, as pictures and the tests of accessibility bring it about with the library's double.
 * @typedef {import("playwright").Page} Page
 * @typedef {object} State
 * @property {import("../../test/scenario.ts").Scenario} [scenario] what the double plays
 * @property {(page: Page, site: Site) => Promise<unknown>} [steps] what a person does to get there
 * @property {import("playwright").BrowserContextOptions} [context] of another browser than the usual one
 * @property {true} [tested] one of those that every test run looks at; all others are looked at by `npm run screenshots -- --axe`
 *
 * @typedef {Record<string, State>} States
 *
 * @typedef {object} Site
 * @property {string} url of the page with the double
 * @property {string} folder its files, which a step may change
 * @property {{ script: string, models: string, host: string, folder: string }} [widget] addresses of its script, of models and of another origin,
 * whose pages lie in the folder; for the states that are about it
 */

/** An answer with everything that Markdown has. */
export const answer = readFileSync(new URL("../../test/sample-answer.md", import.meta.url), "utf8");

/** A stored model whose words come at once. @type {import("../../test/scenario.ts").Scenario} */
export const quick = { stored: "all", wordMs: 0 };

/** Asks and waits for the whole answer. @param {Page} page @param {string} text */
export async function ask(page, text) {
  const before = await page.locator(".answer-foot").count();
  await page.getByRole("textbox", { name: "Message", exact: true }).fill(text);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.locator(".answer-foot").nth(before).waitFor();
}

/** @param {Page} page */
export async function start(page) {
  await page.getByRole("button", { name: /^(Start|Load model)/ }).click();
  await page.getByText("What is on your mind?").waitFor();
}

/** @param {Page} page @param {string} name @param {string} text */
export async function attach(page, name, text) {
  await page.getByLabel("Attach a text file").setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
}

/** @param {Page} page */
export async function openSidebar(page) {
  const button = page.getByRole("button", { name: "Show conversations" });
  if (await button.isVisible()) await button.click();
}
