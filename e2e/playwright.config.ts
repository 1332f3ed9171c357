import { defineConfig } from "@playwright/test";
import { findBrowser } from "../scripts/browser.mjs";
import { browserArguments } from "./support/browser-arguments.ts";

const executablePath = await findBrowser();
if (executablePath === undefined) {
  throw new Error(
    "There is no browser to test in: install Chromium or Chrome, set LONGTAB_BROWSER to its executable, or run `npm test -- e2e`.",
  );
}

/**
 * The built page in a real browser. Tests tagged @phone run on a narrow touch screen, all others at a desktop's size.
 * One worker: a processor that plays the GPU has no strength for two.
 */
export default defineConfig({
  testDir: ".",
  testMatch: "**/*.spec.ts",
  outputDir: "../test-results",
  globalSetup: "./support/global-setup.ts",
  workers: 1,
  forbidOnly: true,
  // A processor that plays the GPU for a browser beside its test can miss a deadline; what fails twice is broken.
  retries: 1,
  timeout: 180_000,
  expect: { timeout: 15_000 },
  use: {
    launchOptions: { executablePath, args: browserArguments() },
    trace: "off",
    screenshot: "only-on-failure",
  },
  projects: [
    { name: "desktop", grepInvert: /@phone/, use: { viewport: { width: 1280, height: 800 } } },
    { name: "phone", grep: /@phone/, use: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, isMobile: true, hasTouch: true } },
  ],
});
