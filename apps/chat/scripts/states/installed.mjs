import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { ask, openSidebar, quick, start } from "./steps.mjs";

/** @typedef {import("./steps.mjs").Page} Page */

/** Two questions, answered. @param {Page} page */
async function converse(page) {
  await start(page);
  await ask(page, "Why is the sky blue?");
}

/** @param {Page} page */
async function controlled(page) {
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
}

/** The page as an app: without a network, with a new version, installed, and with something sent to it. @type {import("./steps.mjs").States} */
export const installedStates = {
  offline: {
    scenario: quick,
    steps: async (page) => {
      await converse(page);
      await page.context().setOffline(true);
      await page.getByRole("button", { name: "Offline" }).click();
    },
  },
  "offline-first-visit": {
    scenario: { loadError: "offline" },
    steps: async (page) => {
      await page.context().setOffline(true);
      await page.getByRole("button", { name: /Load model/ }).click();
      await page.getByRole("alert").waitFor();
    },
  },
  "update-offered": {
    tested: true,
    scenario: quick,
    steps: async (page, { folder }) => {
      await converse(page);
      await controlled(page);
      // Any other byte makes it another version.
      appendFileSync(join(folder, "service-worker.js"), "\n");
      await page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update());
      await page.getByRole("region", { name: "New version" }).waitFor();
    },
  },
  "install-by-hand": {
    scenario: quick,
    context: { userAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:149.0) Gecko/20100101 Firefox/149.0" },
    steps: async (page) => {
      await converse(page);
      await openSidebar(page);
      await page.getByText("Install app").click();
    },
  },
  "install-offered": {
    scenario: quick,
    steps: async (page) => {
      await converse(page);
      await page.evaluate(() => dispatchEvent(new Event("beforeinstallprompt", { cancelable: true })));
      await openSidebar(page);
      await page.getByRole("button", { name: "Install app" }).waitFor();
    },
  },
  "model-sent": {
    scenario: quick,
    steps: async (page, { url }) => {
      await controlled(page);
      await page.goto("about:blank");
      await page.setContent(
        `<form method="post" enctype="multipart/form-data" action="${url}share"><input type="file" name="files"><button>Send</button></form>`,
      );
      const file = { name: "a-model-from-a-friend.Q4_K_M.gguf", mimeType: "application/octet-stream", buffer: Buffer.from("GGUF") };
      await page.locator("input").setInputFiles(file);
      await page.getByRole("button", { name: "Send" }).click();
      await page.getByRole("button", { name: "Load it" }).waitFor();
    },
  },
};
