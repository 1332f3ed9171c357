import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** The widget on pages of other people, each with a style of its own. */

/** @typedef {import("./steps.mjs").Page} Page */
/** @typedef {import("./steps.mjs").Site} Site */

const PAGES = {
  shop: `
    <style>
      body { margin: 0; background: #fff; color: #1c1917; font: 16px/1.5 Georgia, serif }
      header { padding: 20px 6vw; border-bottom: 1px solid #e7e5e4; font: 700 22px Georgia, serif; letter-spacing: .02em }
      main { padding: 24px 6vw; display: grid; grid-template-columns: repeat(auto-fill, minmax(160px, 1fr)); gap: 20px }
      article div { aspect-ratio: 4 / 5; border-radius: 4px; background: linear-gradient(160deg, #d6c7ae, #8b6f47) }
      article:nth-child(even) div { background: linear-gradient(160deg, #b8c4bb, #56705e) }
      h2 { margin: 8px 0 0; font-size: 16px; font-weight: 400 } p { margin: 0; color: #57534e }
    </style>
    <header>Kettle &amp; Leaf</header>
    <main>${["Sencha", "Oolong", "Assam", "Rooibos", "Jasmine", "Lapsang"].map((name, index) => `<article><div></div><h2>${name}</h2><p>${(6.5 + index).toFixed(2)} €</p></article>`).join("")}</main>`,
  atlas: `
    <style>
      body { margin: 0 auto; max-width: 760px; padding: 32px 20px; color: #1f2937; font: 16px/1.65 "Helvetica Neue", Arial, sans-serif }
      h1 { font-size: 28px; margin: 0 0 8px } longtab-chat { height: 480px; margin-top: 20px }
    </style>
    <main><h1>Ask the atlas</h1><p>Questions about the world. What you ask here stays on your device.</p>`,
  night: `
    <style>
      body { margin: 0; background: #0b1020; color: #cbd5e1; font: 17px/1.7 "Trebuchet MS", Verdana, sans-serif }
      main { max-width: 640px; margin: 0 auto; padding: 40px 20px } h1 { color: #f8fafc; font-size: 34px; line-height: 1.2 }
      longtab-chat { --longtab-accent: #a78bfa }
    </style>
    <main><h1>What the aurora is made of</h1><p>${"Particles from the sun meet the upper air, and the air answers with light. ".repeat(12)}</p></main>`,
};

/** @param {Page} page @param {Site} site @param {(models: string) => string} body of the page */
async function openHost(page, { widget }, body) {
  if (widget === undefined) throw new Error("The widget is not built.");
  const name = "somebody.html";
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Somebody’s page</title>${body(widget.models)}<script type="module" src="${widget.script}"></script>`;
  writeFileSync(join(widget.folder, name), html);
  await page.goto(widget.host + name);
  await page.waitForFunction(() => customElements.get("longtab-chat") !== undefined);
}

/** Loads the widget's model and asks. @param {Page} page @param {string} question */
async function askWidget(page, question) {
  const chat = page.locator("longtab-chat");
  await chat.locator("button.primary").first().click();
  const field = chat.getByRole("textbox");
  await field.fill(question, { timeout: 60_000 });
  await field.press("Enter");
  await chat.evaluate((element) => new Promise((resolve) => element.addEventListener("message", resolve, { once: true })));
}

/** @type {import("./steps.mjs").States} */
export const widgetStates = {
  "widget-shop-closed": {
    steps: async (page, site) => openHost(page, site, () => `${PAGES.shop}<longtab-chat opener="bubble"></longtab-chat>`),
  },
  "widget-shop-first": {
    steps: async (page, site) => openHost(page, site, () => `${PAGES.shop}<longtab-chat opener="bubble" open></longtab-chat>`),
  },
  "widget-atlas-answered": {
    steps: async (page, site) => {
      await openHost(
        page,
        site,
        (models) => `${PAGES.atlas}<longtab-chat model-base="${models}" placeholder="Ask about a country"></longtab-chat></main>`,
      );
      await askWidget(page, "What is the capital of France?");
    },
  },
  "widget-night": {
    steps: async (page, site) => {
      await openHost(
        page,
        site,
        (models) =>
          `${PAGES.night}<longtab-chat opener="bubble" open theme="dark" system="Answer in one short sentence." model-base="${models}"></longtab-chat>`,
      );
      await askWidget(page, "Why is the sky blue?");
    },
  },
};
