import type { Page } from "@playwright/test";
import type { ModelInfo } from "longtab";
import type { LoadFigures } from "../../page/longtab.ts";
import type { Sample } from "../figures.ts";
import { coldLoad, decodeAt, prefillOf, warmLoad } from "../figures.ts";
import type { LongtabMode } from "./modes.ts";
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
  /** On WebGPU. */
  start?: StartFigures;
  /** What it ran on, for people. */
  where: string;
}

/** One round of Longtab in a fresh profile: a cold load, a warm one with its first token, then each prompt. */
export async function runLongtabPage(
  round: BrowserRound,
  { isolated, backend }: LongtabMode,
  record: (...samples: Sample[]) => void,
): Promise<LongtabPageRun> {
  const { executable, server, modelUrl, input } = round;
  return withProfile(executable, async (profile) => {
    const address = `${server}${isolated ? "isolated" : "open"}/longtab.html`;
    const { contextLength } = input;
    const options = { url: modelUrl, contextLength, backend, ...(input.context && { context: input.context }) };
    const load = async (page: Page): Promise<LoadFigures> => page.evaluate((asked) => window.longtabHarness.load(asked), options);
    const cold = await onPage(profile, address, async (page) => {
      const figures = await load(page);
      await page.evaluate(() => window.longtabHarness.dispose());
      return figures;
    });
    record(
      { name: coldLoad, unit: "s", value: cold.seconds },
      { name: "  cold: download and check", unit: "s", value: cold.phases.download + cold.phases.verify },
    );
    record(...loadSamples("cold", cold));
    const raw =
      backend === "webgpu" ? await onPage(profile, address, (page) => page.evaluate(() => window.longtabHarness.readStored())) : undefined;

    const page = await profile.open(address);
    const warm = await load(page);
    const first = await page.evaluate(() => window.longtabHarness.firstToken());
    const toFirstTokenSeconds = warm.seconds + first.seconds;
    record({ name: warmLoad, unit: "s", value: warm.seconds }, ...loadSamples("warm", warm));
    record({ name: "warm start to first token", unit: "s", value: toFirstTokenSeconds });
    if (raw) {
      record(
        { name: "raw read of the stored chunks", unit: "s", value: raw.readSeconds },
        { name: "raw upload of their bytes", unit: "s", value: raw.uploadSeconds },
      );
    }
    let kvBytes = 0;
    for (const { tokens, text } of input.prompts) {
      const question = [text, tokens, input.decodeTokens] as const;
      const answer = await page.evaluate(([words, context, count]) => window.longtabHarness.answer(words, context, count), question);
      record({ name: prefillOf(tokens), unit: "tok/s", value: (answer.promptTokens - answer.cachedTokens) / answer.prefillSeconds });
      record({ name: decodeAt(tokens), unit: "tok/s", value: (answer.completionTokens - 1) / answer.decodeSeconds });
      kvBytes = answer.kvBytes;
    }
    const { weights, scratch } = warm.model.memory;
    record({ name: "memory, allocated", unit: "MB", value: (weights + scratch + kvBytes) / 1e6 });
    record(...(await memorySamples(profile, backend)));
    const where = describeModel(warm.model);
    if (!raw) return { where };
    const rawSeconds = raw.readSeconds + raw.uploadSeconds + warm.phases.shaders;
    const aboveRawSeconds = toFirstTokenSeconds - rawSeconds;
    return { where, start: { toFirstTokenSeconds, promptTokens: first.promptTokens, rawSeconds, aboveRawSeconds } };
  });
}

/** For people. */
export function describeModel({ cpu, adapter, softwareAdapter }: ModelInfo): string {
  if (!cpu) return `${adapter}${softwareAdapter ? " (software)" : ""}`;
  return `${cpu.threads} ${cpu.threads === 1 ? "thread" : "threads"}, ${cpu.simd} SIMD. ${cpu.prefill.reason}`;
}

/** Where the time of a load goes besides downloading. */
function loadSamples(kind: "cold" | "warm", { seconds, phases, model }: LoadFigures): Sample[] {
  const { download, verify, upload, shaders } = phases;
  const samples: Sample[] = [
    { name: `  ${kind}: read, check and upload`, unit: "s", value: upload },
    { name: `  ${kind}: shaders and a first step`, unit: "s", value: shaders },
    { name: `  ${kind}: worker, adapter, header, tokeniser`, unit: "s", value: seconds - download - verify - upload - shaders },
  ];
  return model.backend === "cpu" ? samples.filter(({ name }) => !name.includes("shaders")) : samples;
}

async function onPage<T>(profile: BrowserProfile, address: string, use: (page: Page) => Promise<T>): Promise<T> {
  const page = await profile.open(address);
  const result = await use(page);
  await page.close();
  return result;
}
