/**
 * The reference recordings: what independent implementations compute from SmolLM2-135M-Instruct.Q4_1.gguf.
 *
 * scripts/record-fidelity.py wrote everything but the greedy continuations: transformers' Llama in PyTorch, float32 weights dequantised
 * from the file, float32 arithmetic, eager attention. scripts/record-greedy.mjs wrote those with llama.cpp.
 *
 * Files in data/, little-endian, without headers (V = vocabulary, TOP and TAIL from index.json):
 * - index.json: sizes, prompts, ids, and the order of what the others hold.
 * - steps.bin: one record per step of every case, in order: f32 logprob, logSumExp, tailMass, topLogprobs[TOP], tailLogprobs[TAIL];
 *   then u16 topIds[TOP], tailIds[TAIL].
 * - whole.bin: u16 codes[V] per whole distribution; log-probability = minimum + code * scale.
 * - passage.bin: f32 nll[1000].
 * - activations.bin: f32 arrays in the order of index.json's rows.
 * - greedy.json: ids by case.
 */
import { readFileSync } from "node:fs";

/**
 * One next-token distribution of the reference, coarsened to what a comparison needs: its most probable ids, and ids drawn from all the
 * others in proportion to their probability (with replacement), from which the rest of a KL divergence is estimated without bias.
 */
export interface ReferenceStep {
  /** Log-probability (nats) of the token that the continuation has here. */
  readonly logprob: number;
  /** Log of the sum of exponentials of the logits: logit = log-probability + logSumExp. */
  readonly logSumExp: number;
  /** The TOP most probable ids, best first, and their log-probabilities. */
  readonly topIds: Uint16Array;
  readonly topLogprobs: Float32Array;
  /** Probability of all ids outside topIds. */
  readonly tailMass: number;
  /** TAIL ids drawn from outside topIds, and their log-probabilities. */
  readonly tailIds: Uint16Array;
  readonly tailLogprobs: Float32Array;
}

/** A prompt, a continuation that is forced on the model, and the reference's distribution before each of its tokens. */
export interface ReferenceCase {
  readonly name: string;
  readonly prompt: string;
  readonly promptIds: readonly number[];
  /** Taken from the reference itself: its most probable tokens, or tokens drawn at temperature 1. Ends early with the end-of-turn token. */
  readonly continuation: "greedy" | "sampled";
  readonly continuationIds: readonly number[];
  /** steps[j] predicts continuationIds[j]: the distribution after promptIds and continuationIds[0 .. j-1]. */
  readonly steps: readonly ReferenceStep[];
  /** llama.cpp's greedy continuation of the prompt: a second opinion, from 8-bit activations. */
  readonly llamaCppIds: readonly number[];
}

/** The reference's log-probabilities over the whole vocabulary at one step; rounded to 16 bits, at most 0.0004 off. */
export interface WholeDistribution {
  readonly case: string;
  readonly step: number;
  /** [V] */
  readonly logprobs: Float32Array;
}

/** A passage of prose, scored from its first token on, without a BOS token. */
export interface ReferencePassage {
  /** [1001] */
  readonly ids: readonly number[];
  /** [1000]: nll[j] = -log p(ids[j + 1] | ids[0 .. j]), in nats. */
  readonly nll: Float32Array;
  readonly meanNll: number;
}

/**
 * The last token of a short prompt on its way through the model, by name. All float32:
 * - `embedding`, `layer.0` to `layer.29` (the residual stream after each layer), `output_norm` (what the lm head multiplies): [576]
 * - inside layer 0, in order: `layer.0.attn_norm` [576], `.q` [576], `.k` [192], `.v` [192], `.q_rotated`, `.k_rotated`, `.attention`
 *   (all heads, before the output projection) [576], `.attn_output` [576], `.ffn_norm` [576], `.ffn_activated` (silu(gate) * up)
 *   [1536], `.ffn_down` [576].
 * Queries and keys are in the file's order: rotation turns neighbours, the pair (2i, 2i + 1) of each head.
 */
export interface ReferenceActivations {
  readonly case: string;
  readonly rows: ReadonlyMap<string, Float32Array>;
}

export interface Reference {
  /** The file that all this was computed from. */
  readonly model: { readonly file: string; readonly bytes: number; readonly sha256: string };
  readonly vocabulary: number;
  readonly cases: readonly ReferenceCase[];
  readonly whole: readonly WholeDistribution[];
  readonly passage: ReferencePassage;
  readonly activations: ReferenceActivations;
}

interface Index {
  model: Reference["model"];
  vocabulary: number;
  top: number;
  tail: number;
  cases: Omit<ReferenceCase, "steps" | "llamaCppIds">[];
  whole: { case: string; step: number; minimum: number; scale: number }[];
  passage: { ids: number[]; meanNll: number };
  activations: { case: string; rows: { name: string; shape: [number] }[] };
}

/** Reads the recordings (about 1.1 MB). Throws a RangeError when a file is shorter or longer than the index says. */
export function loadReference(): Reference {
  const index = json("index.json") as Index;
  const greedy = json("greedy.json") as Record<string, number[]>;

  const steps = new Cursor("steps.bin");
  const cases = index.cases.map((entry) => ({
    ...entry,
    steps: entry.continuationIds.map(() => readStep(steps, index.top, index.tail)),
    llamaCppIds: greedy[entry.name] ?? [],
  }));
  steps.end();

  const codes = new Cursor("whole.bin");
  const whole = index.whole.map(({ case: name, step, minimum, scale }) => ({
    case: name,
    step,
    logprobs: Float32Array.from(codes.u16(index.vocabulary), (code) => minimum + code * scale),
  }));
  codes.end();

  const passage = new Cursor("passage.bin");
  const nll = passage.f32(index.passage.ids.length - 1);
  passage.end();

  const values = new Cursor("activations.bin");
  const rows = new Map(index.activations.rows.map(({ name, shape: [length] }) => [name, values.f32(length)] as const));
  values.end();

  return {
    model: index.model,
    vocabulary: index.vocabulary,
    cases,
    whole,
    passage: { ...index.passage, nll },
    activations: { case: index.activations.case, rows },
  };
}

function readStep(file: Cursor, top: number, tail: number): ReferenceStep {
  const [logprob = NaN, logSumExp = NaN, tailMass = NaN] = file.f32(3);
  const topLogprobs = file.f32(top);
  const tailLogprobs = file.f32(tail);
  const topIds = file.u16(top);
  const tailIds = file.u16(tail);
  return { logprob, logSumExp, tailMass, topLogprobs, tailLogprobs, topIds, tailIds };
}

function json(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`data/${file}`, import.meta.url), "utf8"));
}

/** Reads arrays one after the other from a file in data/. */
class Cursor {
  readonly #file: string;
  readonly #bytes: ArrayBuffer;
  #at = 0;

  constructor(file: string) {
    this.#file = file;
    this.#bytes = new Uint8Array(readFileSync(new URL(`data/${file}`, import.meta.url))).buffer;
  }

  f32(length: number): Float32Array {
    return new Float32Array(this.#bytes, this.#take(4 * length), length);
  }

  u16(length: number): Uint16Array {
    return new Uint16Array(this.#bytes, this.#take(2 * length), length);
  }

  #take(bytes: number): number {
    const start = this.#at;
    this.#at += bytes;
    return start;
  }

  /** Every byte has been read. */
  end(): void {
    if (this.#at !== this.#bytes.byteLength) {
      throw new RangeError(`${this.#file} has ${this.#bytes.byteLength} bytes, but index.json describes ${this.#at}: record both again`);
    }
  }
}
