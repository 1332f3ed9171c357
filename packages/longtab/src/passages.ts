import type { HeadRule } from "@longtab/attention";
import { pageTokens } from "@longtab/attention";
import type { Tokenizer } from "@longtab/tokenizer";
import type { ChatMessage, Passage } from "./api.ts";

/** A run of tokens of a prompt: [from, to). */
export interface TokenRange {
  from: number;
  to: number;
}

/** Where the tokens of a prompt lie in its messages. */
export class PromptPlaces {
  /** Of the prompt as text: where each token ends. */
  readonly #ends: number[] = [];
  /** Where each message's content lies in it; one that the template changed is not found. */
  readonly #messages: { message: number; start: number; end: number; trimmed: number }[] = [];

  constructor(tokenizer: Pick<Tokenizer, "createDecoder">, ids: Uint32Array, messages: readonly ChatMessage[]) {
    const decoder = tokenizer.createDecoder({ special: true });
    const parts: string[] = [];
    let length = 0;
    for (const id of ids) {
      const part = decoder.push(id);
      parts.push(part);
      this.#ends.push((length += part.length));
    }
    const text = parts.join("") + decoder.flush();
    let from = 0;
    for (const [message, { content }] of messages.entries()) {
      // Templates trim what people write, or leave it.
      const wanted = content.trim();
      const start = wanted === "" ? -1 : text.indexOf(wanted, from);
      if (start < 0) continue;
      from = start + wanted.length;
      this.#messages.push({ message, start, end: from, trimmed: content.indexOf(wanted) });
    }
  }

  /** The parts of messages that a run of tokens covers, in order. */
  passages({ from, to }: TokenRange): Passage[] {
    const [first, last] = [from > 0 ? (this.#ends[from - 1] ?? 0) : 0, this.#ends[Math.min(to, this.#ends.length) - 1] ?? 0];
    return this.#messages.flatMap(({ message, start, end, trimmed }) => {
      const [a, b] = [Math.max(first, start), Math.min(last, end)];
      return a < b ? [{ message, start: a - start + trimmed, end: b - start + trimmed }] : [];
    });
  }
}

/** Passages are shown to people: more than these few say nothing. */
const mostPassages = 6;
/** Deviations above the mean from which on a page was read more than others. */
const notable = 2;

/**
 * The runs of tokens that were read clearly more than the rest of the prompt, in order.
 * @param hits of each page of 16 tokens: how many of its runs heads selected, over all steps of the answer.
 */
export function notableRanges(hits: Uint32Array, promptTokens: number): TokenRange[] {
  const pages = [...hits.subarray(0, Math.ceil(promptTokens / pageTokens)).entries()].filter(([, count]) => count > 0);
  if (pages.length === 0) return [];
  const mean = pages.reduce((sum, [, count]) => sum + count, 0) / pages.length;
  const deviation = Math.sqrt(pages.reduce((sum, [, count]) => sum + (count - mean) ** 2, 0) / pages.length);
  const best = pages
    .filter(([, count]) => count >= mean + notable * deviation && deviation > 0)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, mostPassages)
    .map(([page]) => page)
    .toSorted((a, b) => a - b);
  const ranges: TokenRange[] = [];
  for (const page of best) {
    const previous = ranges.at(-1);
    const [from, to] = [page * pageTokens, Math.min((page + 1) * pageTokens, promptTokens)];
    if (previous?.to === from) previous.to = to;
    else ranges.push({ from, to });
  }
  return ranges;
}

/** The tokens that no head keeps once `length` tokens were read; none where the run is empty. */
export function forgottenRange(rules: readonly HeadRule[], length: number): TokenRange {
  const last = Math.max(0, length - 1);
  const from = Math.max(0, ...rules.map(({ sinks }) => sinks));
  const to = Math.min(...rules.map((rule) => keptFrom(rule, last)));
  return { from, to: Math.max(from, to) };
}

function keptFrom({ keeps, from }: HeadRule, position: number): number {
  if (position < from || !Number.isFinite(keeps)) return 0;
  return Math.max(0, Math.floor(position / pageTokens) - Math.ceil(keeps / pageTokens)) * pageTokens;
}
