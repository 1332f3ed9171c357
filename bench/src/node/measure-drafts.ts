import type { CpuBackend } from "@longtab/cpu";
import type { Timeline } from "@longtab/engine";
import { DraftLookUp } from "@longtab/engine/drafts";
import type { Tokenizer } from "@longtab/tokenizer";
import { fitQuestion } from "../question.ts";
import { median } from "../statistics.ts";
import type { Simd } from "./open-backend.ts";
import { openCpu } from "./open-backend.ts";
import { greedy } from "./run-longtab.ts";
import type { RuntimeInput } from "./runtime-input.ts";

/** A text continued with n-gram drafts and without. */
export interface DraftFigures {
  simd: Simd;
  text: string;
  promptTokens: number;
  decodedTokens: number;
  /** Tokens a second. */
  without: number;
  with: number;
  /** Share of the tokens that the look-up foresaw, whether it was worth checking or not. */
  foreseen: number;
  /** How many a step gives with drafts, the one that it gives anyway among them. */
  tokensPerStep: number;
  sameTokens: boolean;
}

/** Each is decoded so often with and without, taking turns. */
const pairs = 3;

/** Written three times over: a text that repeats itself. */
const list = `| town | river | bridge |
| --- | --- | --- |
| Hollen | the Arve | a wooden bridge of nine arches |
| Marsk | the Arve | a stone bridge of three arches |
| Tarn | the Ister | an iron bridge without arches |
`;

/** What drafts do for a text that repeats itself, and for the question that the page in the browser is asked. */
export async function measureDrafts({
  model,
  prompts,
  contextLength,
  decodeTokens,
  threads,
  simd,
}: RuntimeInput & { simd: Simd }): Promise<DraftFigures[]> {
  const { backend, tokenizer } = await openCpu(model, simd, { contextLength, threads });
  const texts = [{ text: "a list, three times over", ids: tokenizer.encode(list.repeat(3)), tokens: Math.max(64, decodeTokens) }];
  for (const { text, tokens } of prompts)
    texts.push({ text: `the page's question, ${tokens} tokens`, ids: await questionIds(tokenizer, text, tokens), tokens: decodeTokens });
  const figures: DraftFigures[] = [];
  for (const { text, ids, tokens } of texts) {
    const runs = { with: [] as Decoded[], without: [] as Decoded[] };
    const timeline = backend.createTimeline();
    await timeline.prefill(ids, greedy);
    for (let pair = 0; pair < pairs; pair++) {
      for (const drafts of [false, true]) {
        backend.drafts = drafts;
        runs[drafts ? "with" : "without"].push(await decode(backend, timeline, ids, tokens));
      }
    }
    timeline.dispose();
    const decoded = [...runs.with, ...runs.without].map((run) => run.ids.join());
    figures.push({
      simd,
      text,
      promptTokens: ids.length,
      decodedTokens: tokens,
      without: tokens / median(runs.without.map(({ seconds }) => seconds)),
      with: tokens / median(runs.with.map(({ seconds }) => seconds)),
      foreseen: foreseenShare(ids, runs.without[0]?.ids ?? []),
      tokensPerStep: tokens / median(runs.with.map(({ steps }) => steps)),
      sameTokens: new Set(decoded).size === 1,
    });
  }
  backend.dispose();
  return figures;
}

async function questionIds(tokenizer: Tokenizer, text: string, tokens: number): Promise<Uint32Array> {
  const encode = (content: string): Uint32Array => tokenizer.encodeChat([{ role: "user", content }]);
  return encode(await fitQuestion(text, tokens, (question) => encode(question).length));
}

/** Of the tokens after the first, which comes with the prompt. */
function foreseenShare(prompt: Uint32Array, decoded: readonly number[]): number {
  const ids = Uint32Array.from([...prompt, ...decoded]);
  const lookUp = new DraftLookUp(ids);
  let foreseen = 0;
  for (let length = prompt.length + 1; length < ids.length; length++) {
    lookUp.extend(length);
    foreseen += Number(lookUp.find(1)?.ids[0] === ids[length]);
  }
  return foreseen / (decoded.length - 1);
}

interface Decoded {
  ids: number[];
  seconds: number;
  steps: number;
}

/** Decodes so many tokens after a prompt that the timeline holds; what it has learnt of drafts stays, as it does from answer to answer. */
async function decode({ model }: CpuBackend, timeline: Timeline, prompt: Uint32Array, tokens: number): Promise<Decoded> {
  timeline.truncate(prompt.length - 1);
  const ids = [await timeline.prefill(prompt.subarray(-1), greedy)];
  const { kernels } = model;
  let steps = 0;
  // Every forward pass begins with one.
  const embed: typeof kernels.embed = (...values) => {
    steps++;
    kernels.embed(...values);
  };
  model.kernels = { ...kernels, embed };
  const started = performance.now();
  while (ids.length <= tokens) ids.push(await timeline.decode(greedy));
  const seconds = (performance.now() - started) / 1000;
  model.kernels = kernels;
  return { ids, seconds, steps };
}
