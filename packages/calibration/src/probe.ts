import { dense } from "@longtab/attention";
import type { Policy } from "@longtab/attention";
import type { Backend, Timeline } from "@longtab/engine";
import { throwIfAborted } from "@longtab/errors";
import { ask } from "./ask.ts";
import { compareLogits } from "./distribution.ts";
import type { Difference } from "./distribution.ts";
import { force, read } from "./force.ts";
import type { PasskeyDocument } from "./passkeys.ts";

/** What a policy loses against the dense model. */
export interface Loss {
  /** Mean KL(dense || policy), in nats, of the tokens of answers about hidden numbers. */
  answers: number;
  /** The same of the tokens that go on with the text; NaN where there is none. */
  text: number;
  /** Share of those tokens at which the most probable one is the dense model's; NaN where there is none. */
  top1: number;
  /** Share of the numbers that are answered right. */
  right: number;
}

/** What is asked once a prompt was read densely. */
interface Trial {
  /** Has read everything before `ids`. */
  timeline: Timeline;
  ids: Uint32Array;
  /** Where it is a question: what is expected behind the first of `ids`. */
  answer?: Uint32Array;
  /** The dense model's logits after each of `ids`. */
  logits: Float32Array[];
}

/** A text to go on with: the last `scored` tokens are what is measured. */
export interface Continuation {
  ids: Uint32Array;
  scored: number;
}

/**
 * Prompts that were read densely once, so that any number of policies can be tried on what comes behind them: each is a few rows of a fork. The
 * rows are run together, as policies that do not select allow.
 */
export class Probe {
  readonly #readers: Timeline[] = [];
  readonly #trials: Trial[] = [];

  private constructor() {}

  /** @throws LongtabError `out-of-memory`, `aborted`. */
  static async open(
    backend: Backend,
    documents: readonly PasskeyDocument[],
    texts: readonly Continuation[],
    signal?: AbortSignal,
  ): Promise<Probe> {
    const probe = new Probe();
    try {
      for (const document of documents) await probe.#addDocument(backend, document, signal);
      for (const text of texts) await probe.#addText(backend, text, signal);
      return probe;
    } catch (error) {
      probe.dispose();
      throw error;
    }
  }

  /** What is lost where the policy takes over behind the prompts. */
  async measure(policy: Policy, signal?: AbortSignal): Promise<Loss> {
    const [answers, text]: [Difference[], Difference[]] = [[], []];
    const rights: number[] = [];
    for (const { timeline, ids, answer, logits } of this.#trials) {
      throwIfAborted(signal);
      const fork = timeline.fork(policy);
      try {
        if (answer) {
          const reply = await ask(fork, { question: ids.subarray(0, 1), answer }, Infinity);
          rights.push(Number(reply.right));
          for (const [row, expected] of logits.entries()) answers.push(compareLogits(expected, reply.logits[row] ?? expected));
        } else {
          await force(fork, ids, Infinity, (row, found) => void text.push(compareLogits(logits[row] ?? found, found)));
        }
      } finally {
        fork.dispose();
      }
    }
    return {
      answers: mean(answers.map(({ kl }) => kl)),
      text: mean(text.map(({ kl }) => kl)),
      top1: mean(text.map(({ same }) => Number(same))),
      right: mean(rights),
    };
  }

  dispose(): void {
    for (const { timeline } of this.#trials.splice(0)) timeline.dispose();
    for (const timeline of this.#readers.splice(0)) timeline.dispose();
  }

  async #addDocument(backend: Backend, { ids, needles }: PasskeyDocument, signal?: AbortSignal): Promise<void> {
    const reader = backend.createTimeline(dense);
    this.#readers.push(reader);
    await read(reader, ids, { signal });
    for (const { question, answer } of needles) {
      const timeline = reader.fork();
      this.#trials.push({ timeline, ids: question.slice(-1), answer, logits: [] });
      const trial = this.#trials.at(-1);
      if (question.length > 1) await read(timeline, question.subarray(0, -1), { signal });
      const fork = timeline.fork();
      try {
        trial?.logits.push(...(await ask(fork, { question: question.slice(-1), answer }, Infinity)).logits);
      } finally {
        fork.dispose();
      }
    }
  }

  async #addText(backend: Backend, { ids, scored }: Continuation, signal?: AbortSignal): Promise<void> {
    const timeline = backend.createTimeline(dense);
    const trial: Trial = { timeline, ids: ids.slice(-scored), logits: [] };
    this.#trials.push(trial);
    await read(timeline, ids.subarray(0, -scored), { signal });
    const fork = timeline.fork();
    try {
      await force(fork, trial.ids, Infinity, (_, logits) => void trial.logits.push(logits.slice()));
    } finally {
      fork.dispose();
    }
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
