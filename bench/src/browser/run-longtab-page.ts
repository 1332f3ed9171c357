import type { LoadFigures } from "../../page/longtab.ts";
import type { Sample } from "../figures.ts";
import { coldLoad, decodeAt, prefillOf, warmLoad } from "../figures.ts";
import type { RuntimeInput } from "../node/runtime-input.ts";
import type { BrowserProfile } from "./profile.ts";
import { memorySamples, withProfile } from "./profile.ts";

/** What a warm start took, and what any loader would have needed at least. */
export interface StartFigures {
  /** From the call of `Longtab.load` to the first piece of an answer. */
  toFirstTokenSeconds: number;
  /** Tokens of the question that was read for it. */
  promptTokens: number;
  /** Reading the chunks from IndexedDB, writing their bytes to the GPU, and making the pipelines. */
  rawSeconds: number;
  aboveRawSeconds: number;
}

export interface LongtabPageRun {
  samples: Sample[];
  start: StartFigures;
  adapter: string;
}

/** One round of Longtab in a fresh profile: a cold load, a warm one with its first token, then each prompt. */
export async function runLongtabPage(executable: string, server: string, input: RuntimeInput, modelUrl: string): Promise<LongtabPageRun> {
  return withProfile(executable, async (profile) => {
    const page = `${server}isolated/longtab.html`;
    const cold = await loadOnce(profile, page, modelUrl, input.contextLength);
    const raw = await rawStart(profile, page);
    const warm = await profile.open(page);
    const load = await warm.evaluate(([url, context]) => window.longtabHarness.load(url, context), [
      modelUrl,
      input.contextLength,
    ] as const);
    const first = await warm.evaluate(() => window.longtabHarness.firstToken());
    const toFirstTokenSeconds = load.seconds + first.seconds;
    const rawSeconds = raw.readSeconds + raw.uploadSeconds + load.phases.shaders;
    const start = { toFirstTokenSeconds, promptTokens: first.promptTokens, rawSeconds, aboveRawSeconds: toFirstTokenSeconds - rawSeconds };
    const samples: Sample[] = [
      { name: coldLoad, unit: "s", value: cold.seconds },
      { name: "of it download", unit: "s", value: cold.phases.download + cold.phases.verify },
      { name: warmLoad, unit: "s", value: load.seconds },
      { name: "of it read, check and upload", unit: "s", value: load.phases.upload },
      { name: "of it shaders and a first step", unit: "s", value: load.phases.shaders },
      { name: "raw read of the stored chunks", unit: "s", value: raw.readSeconds },
      { name: "raw upload of their bytes", unit: "s", value: raw.uploadSeconds },
      { name: "warm start to first token", unit: "s", value: toFirstTokenSeconds },
    ];
    let kvBytes = 0;
    for (const { tokens, text } of input.prompts) {
      const answer = await warm.evaluate(([words, context, count]) => window.longtabHarness.answer(words, context, count), [
        text,
        tokens,
        input.decodeTokens,
      ] as const);
      kvBytes = answer.kvBytes;
      samples.push({ name: prefillOf(tokens), unit: "tok/s", value: (answer.promptTokens - answer.cachedTokens) / answer.prefillSeconds });
      samples.push({ name: decodeAt(tokens), unit: "tok/s", value: (answer.completionTokens - 1) / answer.decodeSeconds });
    }
    const { weights, scratch } = load.model.memory;
    samples.push(
      { name: "GPU memory, allocated", unit: "MB", value: (weights + scratch + kvBytes) / 1e6 },
      ...(await memorySamples(profile)),
    );
    return { samples, start, adapter: `${load.model.adapter}${load.model.softwareAdapter ? " (software)" : ""}` };
  });
}

async function loadOnce(profile: BrowserProfile, address: string, modelUrl: string, contextLength: number): Promise<LoadFigures> {
  const page = await profile.open(address);
  const figures = await page.evaluate(([url, context]) => window.longtabHarness.load(url, context), [modelUrl, contextLength] as const);
  await page.evaluate(() => window.longtabHarness.dispose());
  await page.close();
  return figures;
}

async function rawStart(profile: BrowserProfile, address: string): Promise<{ readSeconds: number; uploadSeconds: number }> {
  const page = await profile.open(address);
  const figures = await page.evaluate(() => window.longtabHarness.readStored());
  await page.close();
  return figures;
}
