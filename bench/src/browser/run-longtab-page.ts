import type { Page } from "@playwright/test";
import type { LoadFigures } from "../../page/longtab.ts";
import type { Sample } from "../figures.ts";
import { coldLoad, decodeAt, prefillOf, warmLoad } from "../figures.ts";
import type { BrowserProfile, BrowserRound } from "./profile.ts";
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
  start: StartFigures;
  adapter: string;
}

/** One round of Longtab in a fresh profile: a cold load, a warm one with its first token, then each prompt. */
export async function runLongtabPage(round: BrowserRound, record: (...samples: Sample[]) => void): Promise<LongtabPageRun> {
  const { executable, server, modelUrl, input } = round;
  return withProfile(executable, async (profile) => {
    const address = `${server}isolated/longtab.html`;
    const load = [modelUrl, input.contextLength] as const;
    const cold = await onPage(profile, address, async (page) => {
      const figures = await page.evaluate(([url, context]) => window.longtabHarness.load(url, context), load);
      await page.evaluate(() => window.longtabHarness.dispose());
      return figures;
    });
    record(
      { name: coldLoad, unit: "s", value: cold.seconds },
      { name: "  cold: download and check", unit: "s", value: cold.phases.download + cold.phases.verify },
    );
    record(...loadSamples("cold", cold));
    const raw = await onPage(profile, address, async (page) => page.evaluate(() => window.longtabHarness.readStored()));

    const page = await profile.open(address);
    const warm = await page.evaluate(([url, context]) => window.longtabHarness.load(url, context), load);
    const first = await page.evaluate(() => window.longtabHarness.firstToken());
    const toFirstTokenSeconds = warm.seconds + first.seconds;
    record({ name: warmLoad, unit: "s", value: warm.seconds }, ...loadSamples("warm", warm));
    record(
      { name: "warm start to first token", unit: "s", value: toFirstTokenSeconds },
      { name: "raw read of the stored chunks", unit: "s", value: raw.readSeconds },
      { name: "raw upload of their bytes", unit: "s", value: raw.uploadSeconds },
    );
    let kvBytes = 0;
    for (const { tokens, text } of input.prompts) {
      const question = [text, tokens, input.decodeTokens] as const;
      const answer = await page.evaluate(([words, context, count]) => window.longtabHarness.answer(words, context, count), question);
      record({ name: prefillOf(tokens), unit: "tok/s", value: (answer.promptTokens - answer.cachedTokens) / answer.prefillSeconds });
      record({ name: decodeAt(tokens), unit: "tok/s", value: (answer.completionTokens - 1) / answer.decodeSeconds });
      kvBytes = answer.kvBytes;
    }
    const { memory, adapter, softwareAdapter } = warm.model;
    record({ name: "GPU memory, allocated", unit: "MB", value: (memory.weights + memory.scratch + kvBytes) / 1e6 });
    record(...(await memorySamples(profile)));
    const rawSeconds = raw.readSeconds + raw.uploadSeconds + warm.phases.shaders;
    const start = { toFirstTokenSeconds, promptTokens: first.promptTokens, rawSeconds, aboveRawSeconds: toFirstTokenSeconds - rawSeconds };
    return { start, adapter: `${adapter}${softwareAdapter ? " (software)" : ""}` };
  });
}

/** Where the time of a load goes besides downloading. */
function loadSamples(kind: "cold" | "warm", { seconds, phases }: LoadFigures): Sample[] {
  const { download, verify, upload, shaders } = phases;
  return [
    { name: `  ${kind}: read, check and upload`, unit: "s", value: upload },
    { name: `  ${kind}: shaders and a first step`, unit: "s", value: shaders },
    { name: `  ${kind}: worker, adapter, header, tokeniser`, unit: "s", value: seconds - download - verify - upload - shaders },
  ];
}

async function onPage<T>(profile: BrowserProfile, address: string, use: (page: Page) => Promise<T>): Promise<T> {
  const page = await profile.open(address);
  const result = await use(page);
  await page.close();
  return result;
}
