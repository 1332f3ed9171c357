import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { WllamaOptions } from "../../page/wllama.ts";
import type { Sample } from "../figures.ts";
import { coldLoad, decodeAt, prefillOf, warmLoad } from "../figures.ts";
import type { RuntimeInput } from "../node/runtime-input.ts";
import { webGpuPeer } from "../targets.ts";
import { memorySamples, withProfile } from "./profile.ts";

/** A way of running wllama. */
export interface WllamaMode {
  name: string;
  /** Shared memory, and so threads, need cross-origin isolation. */
  isolated: boolean;
  options: Omit<WllamaOptions, "n_ctx">;
}

const threads = availableParallelism();
const everyLayer = 999;

export const wllamaModes: readonly WllamaMode[] = [
  {
    name: webGpuPeer,
    isolated: true,
    // With the default micro-batch of 512 a prompt of 1024 tokens runs into wllama's limit of 30 s a wait on slow adapters, and aborts.
    options: { n_gpu_layers: everyLayer, n_threads: threads, n_batch: 128, n_ubatch: 128 },
  },
  { name: `wllama, WASM, ${threads} threads`, isolated: true, options: { n_gpu_layers: 0, n_threads: threads } },
  { name: "wllama, WASM, not isolated", isolated: false, options: { n_gpu_layers: 0 } },
];

/** The folder that `npm run bench -- --install-peers` puts wllama's published files in. */
export function wllamaFolder(peers: string): string {
  return join(peers, "node_modules", "@wllama", "wllama", "esm");
}

export function hasWllama(peers: string): boolean {
  return existsSync(join(wllamaFolder(peers), "index.js"));
}

/** One round of wllama in a fresh profile: a cold load, a warm one, then each prompt. */
export async function runWllamaPage(
  executable: string,
  server: string,
  input: RuntimeInput,
  modelUrl: string,
  mode: WllamaMode,
): Promise<Sample[]> {
  return withProfile(executable, async (profile) => {
    const base = `${server}${mode.isolated ? "isolated" : "open"}/`;
    const load = async (): Promise<{ seconds: number; page: Awaited<ReturnType<typeof profile.open>> }> => {
      const page = await profile.open(`${base}wllama.html`);
      const { seconds } = await page.evaluate(([folder, url, options]) => window.wllamaHarness.load(folder, url, options), [
        `${base}wllama/`,
        modelUrl,
        { ...mode.options, n_ctx: input.contextLength },
      ] as const);
      return { seconds, page };
    };
    const cold = await load();
    await cold.page.evaluate(() => window.wllamaHarness.exit());
    await cold.page.close();
    const { seconds, page } = await load();
    const samples: Sample[] = [
      { name: coldLoad, unit: "s", value: cold.seconds },
      { name: warmLoad, unit: "s", value: seconds },
    ];
    for (const { tokens, text } of input.prompts) {
      const figures = await page.evaluate(([prompt, count]) => window.wllamaHarness.complete(prompt, count), [
        text,
        input.decodeTokens,
      ] as const);
      samples.push({ name: prefillOf(tokens), unit: "tok/s", value: figures.promptTokens / figures.prefillSeconds });
      // Its clock for decoding starts when the first token has been drawn.
      samples.push({ name: decodeAt(tokens), unit: "tok/s", value: (figures.completionTokens - 1) / figures.decodeSeconds });
    }
    return [...samples, ...(await memorySamples(profile))];
  });
}
