import type { CacheShape, HeadMap } from "@longtab/attention";
import type { Backend } from "@longtab/engine";
import type { Tokenizer } from "@longtab/tokenizer";
import { chooseHeads } from "./choose-heads.ts";
import { fitGates } from "./gates.ts";
import { byLayer, duoPolicy, headCount } from "./masks.ts";
import type { HeadIndex, HeadSettings } from "./masks.ts";
import { evenDepths, makePasskeys, mostNeedles } from "./passkeys.ts";
import type { PasskeyDocument } from "./passkeys.ts";
import { Probe } from "./probe.ts";
import type { Continuation, Loss } from "./probe.ts";
import { ascending, rankHeads } from "./rank-heads.ts";
import { measureSinks } from "./sinks.ts";

/** What is being measured, for people; with how much of it is done. */
export interface CalibrationProgress {
  phase: "heads" | "choice" | "gates" | "check" | "sinks";
  done: number;
  total: number;
}

export interface CalibrationOptions {
  /** The model's name. */
  model: string;
  shape: Pick<CacheShape, "layers" | "kvHeads">;
  /** Tokens that the model was trained for. */
  trained: number;
  /** Share of the heads that shall stream; a third unless told. */
  share?: number | undefined;
  /** Of the prompts, in tokens; 1,024 or what the model has room for. */
  tokens?: number | undefined;
  /** Numbers that are hidden in a prompt; 6 unless told. */
  needles?: number | undefined;
  /** What streaming heads keep. */
  sinks?: number | undefined;
  recent?: number | undefined;
  /** Sets of heads that the gates are fitted on; 96 unless told, 0 leaves them out. */
  trials?: number | undefined;
  /**
   * Excerpts of texts, `tokens` + `continuedTokens` tokens each: numbers are hidden in the first two, the next two are compared on, and the heads are
   * chosen by all the others. Without them only passkeys in senseless sentences are tried.
   */
  text?: { name: string; excerpts: readonly Uint32Array[] } | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: CalibrationProgress) => void) | undefined;
}

/** Tokens of an excerpt that are compared, behind a prompt's worth of it. */
export const continuedTokens = 64;
/** Most that may be lost in all while heads are chosen, in nats of answers and text together: beyond it no head map is worth its memory. */
const lossLimit = 0.1;
const sinkCounts = [0, 1, 2, 4, 8, 16];

/**
 * Finds out which KV heads of a model need everything and which do with sinks and recents, on prompts made on the spot: what each head costs alone, then a
 * check that lets heads stream in ascending order while answers stay right, and gates fitted for the whole set. Whichever loses less on prompts
 * that neither has seen is the map. Needs forks and nothing else, so it runs on any backend, in a browser too.
 * @throws LongtabError `out-of-memory`, `aborted`, `device-lost`.
 */
export async function calibrate(backend: Backend, tokenizer: Tokenizer, options: CalibrationOptions): Promise<HeadMap> {
  const { model, shape, trained, share = 1 / 3, trials = 96, text, signal, onProgress } = options;
  const { tokens = Math.min(1024, trained >> 1), sinks = 16, recent = Math.min(256, trained >> 3) } = options;
  const settings: HeadSettings = { shape, model, trained, sinks, recent };
  const tell = (phase: CalibrationProgress["phase"]) => (done: number, total: number) => onProgress?.({ phase, done, total });
  const prompts = makePrompts(tokenizer, tokens, options);
  const probe = await Probe.open(backend, [prompts.documents[0]], prompts.chosenBy, signal);
  const most = Math.round(share * headCount(shape));
  const sets: Record<string, { streaming: Set<HeadIndex>; loss?: Loss }> = {};
  let scores: number[];
  try {
    scores = await rankHeads(probe, settings, { signal, onProgress: tell("heads") });
    const order = ascending(scores);
    const choice = await chooseHeads(probe, settings, order, { most, limit: lossLimit, signal, onProgress: tell("choice") });
    sets["profile with a check"] = { streaming: choice.streaming };
    if (trials > 0) {
      const costs = await fitGates(probe, settings, scores, { count: most, trials, seed: 1, signal, onProgress: tell("gates") });
      sets["gates"] = { streaming: new Set(ascending(costs).slice(0, choice.streaming.size)) };
    }
  } finally {
    probe.dispose();
  }
  const held = await Probe.open(backend, [prompts.documents[1]], prompts.comparedOn, signal);
  try {
    for (const [index, set] of Object.values(sets).entries()) {
      tell("check")(index, Object.keys(sets).length);
      set.loss = await held.measure(duoPolicy(settings, set.streaming), signal);
    }
    const dense = await held.measure(duoPolicy(settings, new Set()), signal);
    const sinkLosses = await measureSinks(backend, prompts.stream, {
      trained,
      recent,
      counts: sinkCounts,
      signal,
      onProgress: tell("sinks"),
    });
    const [name, best] = better(sets);
    return {
      version: 1,
      model,
      streaming: byLayer(shape, (head) => best.streaming.has(head)),
      scores: byLayer(shape, (head) => Number((scores[head] ?? 0).toPrecision(3))),
      method:
        `Chosen by ${name}: KL of the output on answers about numbers hidden in ${tokens} tokens${text ? ` and on ${prompts.chosenBy.length} excerpts as long` : ""} when a head keeps ` +
        `${sinks} sinks and ${recent} recents alone; compared on prompts that were not used to choose`,
      text: text?.name ?? "senseless sentences",
      quality: [
        describe("dense", 0, dense),
        ...Object.entries(sets).map(([label, set]) => describe(label, set.streaming.size, set.loss ?? dense)),
        ...sinkLosses.map(({ sinks: count, nll }) => ({ heads: "all stream", sinks: count, nll: Number(nll.toPrecision(4)) })),
      ],
    };
  } finally {
    held.dispose();
  }
}

/** Everything that is tried. */
interface Prompts {
  /** One to choose by, one to compare on. */
  documents: [PasskeyDocument, PasskeyDocument];
  chosenBy: Continuation[];
  comparedOn: Continuation[];
  /** What sinks are measured on. */
  stream: Uint32Array;
}

function makePrompts(tokenizer: Tokenizer, tokens: number, { text, needles = 6 }: CalibrationOptions): Prompts {
  const depths = evenDepths(Math.min(needles, mostNeedles.facts));
  const document = (seed: number, filler?: Uint32Array): PasskeyDocument =>
    makePasskeys(tokenizer, { kind: "facts", tokens, depths, seed, filler });
  const [first, second, ...others] = text?.excerpts ?? [];
  const documents: Prompts["documents"] = [document(1, first?.subarray(0, tokens)), document(2, second?.subarray(0, tokens))];
  const continuations = others.map((ids) => ({ ids: ids.subarray(0, tokens + continuedTokens), scored: continuedTokens }));
  return {
    documents,
    comparedOn: continuations.slice(0, 2),
    chosenBy: continuations.slice(2),
    stream: first?.subarray(0, tokens) ?? documents[0].ids,
  };
}

/** What loses less, answers first. */
function better(sets: Record<string, { streaming: Set<HeadIndex>; loss?: Loss }>): [string, { streaming: Set<HeadIndex> }] {
  const losing = ({ loss }: { loss?: Loss }): number => (loss ? loss.answers + (Number.isNaN(loss.text) ? 0 : loss.text) - loss.right : 0);
  const [first] = Object.entries(sets).toSorted(([, a], [, b]) => losing(a) - losing(b));
  return first ?? ["nothing", { streaming: new Set() }];
}

function describe(name: string, streaming: number, { answers, text, top1, right }: Loss): Record<string, string | number> {
  const short = (value: number): number => Number(value.toPrecision(3));
  return {
    heads: name,
    streaming,
    answersKl: short(answers),
    answersRight: short(right),
    ...(!Number.isNaN(text) && { textKl: short(text), textTop1: short(top1) }),
  };
}
