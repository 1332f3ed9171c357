import type { CpuBackend } from "@longtab/cpu";
import type { Tokenizer } from "@longtab/tokenizer";
import { fitQuestion } from "../question.ts";
import { median } from "../statistics.ts";
import type { Simd } from "./open-backend.ts";
import { openCpu } from "./open-backend.ts";
import { greedy } from "./run-longtab.ts";
import type { RuntimeInput } from "./runtime-input.ts";

/** A text continued with n-gram drafts and without. */
export interface DraftFigures {
  text: string;
  promptTokens: number;
  decodedTokens: number;
  /** Tokens a second. */
  without: number;
  with: number;
  sameTokens: boolean;
}

/** Each is decoded so often with and without, taking turns. */
const pairs = 3;

/** Five lines of a list that goes on as it began, three times over: a text that repeats itself. */
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
  simd,
}: RuntimeInput & { simd: Simd }): Promise<DraftFigures[]> {
  const { backend, tokenizer } = await openCpu(model, simd, { contextLength });
  const texts = [{ text: "a list, three times over", ids: tokenizer.encode(list.repeat(3)), tokens: Math.max(64, decodeTokens) }];
  for (const { text, tokens } of prompts)
    texts.push({ text: `the page's question, ${tokens} tokens`, ids: await questionIds(tokenizer, text, tokens), tokens: decodeTokens });
  const figures: DraftFigures[] = [];
  for (const { text, ids, tokens } of texts) {
    const runs = { with: [] as Decoded[], without: [] as Decoded[] };
    for (let pair = 0; pair < pairs; pair++) {
      runs.without.push(await decode(backend, ids, tokens, false));
      runs.with.push(await decode(backend, ids, tokens, true));
    }
    const decoded = [...runs.with, ...runs.without].map((run) => run.ids.join());
    figures.push({
      text,
      promptTokens: ids.length,
      decodedTokens: tokens,
      without: tokens / median(runs.without.map(({ seconds }) => seconds)),
      with: tokens / median(runs.with.map(({ seconds }) => seconds)),
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

interface Decoded {
  ids: number[];
  seconds: number;
}

async function decode(backend: CpuBackend, prompt: Uint32Array, tokens: number, drafts: boolean): Promise<Decoded> {
  backend.drafts = drafts;
  const timeline = backend.createTimeline();
  const ids = [await timeline.prefill(prompt, greedy)];
  const started = performance.now();
  while (ids.length <= tokens) ids.push(await timeline.decode(greedy));
  const seconds = (performance.now() - started) / 1000;
  timeline.dispose();
  return { ids, seconds };
}
