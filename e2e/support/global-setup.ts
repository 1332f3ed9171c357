import { chromium, type FullConfig } from "@playwright/test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { defaultModel, modelsFolder } from "../../scripts/catalogue.mjs";
import { dist } from "../../scripts/build-chat.mjs";
import { serve } from "../../scripts/serve.mjs";

const ADAPTER_SECONDS = 60;

/** Serves the built page and the models for all tests, and makes sure that the browser has a WebGPU adapter before any of them fails for it. */
export default async function setUp(config: FullConfig): Promise<() => Promise<void>> {
  const model = join(modelsFolder(), defaultModel().file);
  if (!existsSync(join(dist, "index.html")))
    throw new Error("The page is not built: run `npm run build`, or `npm test -- e2e`, which does it.");
  if (!existsSync(model))
    throw new Error(`The model is not at ${model}: run \`node scripts/fetch-model.mjs\`, or \`npm test -- e2e\`, which does it.`);
  const served = await serve({ dist, models: modelsFolder() });
  try {
    await requireAdapter(served.url, config);
  } catch (error) {
    await served.close();
    throw error;
  }
  // Tests run in other processes; fixtures.ts reads it there.
  process.env["LONGTAB_URL"] = served.url;
  return served.close;
}

async function requireAdapter(url: string, config: FullConfig): Promise<void> {
  const options = config.projects[0]?.use.launchOptions ?? {};
  const browser = await chromium.launch(options);
  try {
    const page = await browser.newPage();
    await page.goto(url);
    const adapter = await Promise.race([
      page.evaluate(async () => {
        const found = await navigator.gpu?.requestAdapter();
        return found ? `${found.info.vendor} ${found.info.architecture} ${found.info.description}`.trim() : null;
      }),
      new Promise<null>((resolve) => setTimeout(resolve, ADAPTER_SECONDS * 1000, null)),
    ]);
    if (adapter === null) {
      throw new Error(
        `${options.executablePath} offers no WebGPU adapter. A full Chromium or Chrome from version 121 on has one on any machine ` +
          "(SwiftShader, when started with --enable-unsafe-webgpu); Playwright's headless shell and old versions have none. " +
          "Install another (on Debian: `apt-get install chromium`) or set LONGTAB_BROWSER to its executable.",
      );
    }
    console.log(`Browser: ${options.executablePath} ${browser.version()}, adapter: ${adapter}`);
  } finally {
    await browser.close();
  }
}
