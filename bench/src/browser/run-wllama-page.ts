import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import type { Sample } from "../figures.ts";
import { coldLoad, decodeAt, prefillOf, warmLoad } from "../figures.ts";
import type { WllamaMode } from "./modes.ts";
import type { BrowserRound } from "./profile.ts";
import { memorySamples, withProfile } from "./profile.ts";

/** The folder that `npm run bench -- --install-peers` puts wllama's published files in. */
export function wllamaFolder(peers: string): string {
  return join(peers, "node_modules", "@wllama", "wllama", "esm");
}

export function hasWllama(peers: string): boolean {
  return existsSync(join(wllamaFolder(peers), "index.js"));
}

/** One round of wllama in a fresh profile: a cold load, a warm one, then each prompt of so many tokens as are among `contexts`. */
export async function runWllamaPage(
  round: BrowserRound,
  mode: WllamaMode,
  contexts: readonly number[],
  record: (...samples: Sample[]) => void,
): Promise<void> {
  const { executable, server, modelUrl, input } = round;
  await withProfile(executable, async (profile) => {
    const base = `${server}${mode.isolated ? "isolated" : "open"}/`;
    const options = { ...mode.options, n_ctx: input.contextLength };
    const load = async (): Promise<{ seconds: number; page: Page }> => {
      const page = await profile.open(`${base}wllama.html`);
      const model = [`${base}wllama/`, modelUrl, options] as const;
      const { seconds } = await page.evaluate(([folder, url, how]) => window.wllamaHarness.load(folder, url, how), model);
      return { seconds, page };
    };
    const cold = await load();
    record({ name: coldLoad, unit: "s", value: cold.seconds });
    await cold.page.evaluate(() => window.wllamaHarness.exit());
    await cold.page.close();
    const { seconds, page } = await load();
    record({ name: warmLoad, unit: "s", value: seconds });
    const prompts = input.prompts.filter(({ tokens }) => tokens <= mode.mostTokens && contexts.includes(tokens));
    for (const { tokens, text } of prompts) {
      const prompt = [text, input.decodeTokens] as const;
      const figures = await page.evaluate(([words, count]) => window.wllamaHarness.complete(words, count), prompt);
      record({ name: prefillOf(tokens), unit: "tok/s", value: figures.promptTokens / figures.prefillSeconds });
      // Its clock for decoding starts when the first token has been drawn.
      record({ name: decodeAt(tokens), unit: "tok/s", value: (figures.completionTokens - 1) / figures.decodeSeconds });
    }
    record(...(await memorySamples(profile, mode.options.n_gpu_layers > 0 ? "webgpu" : "cpu")));
  });
}
