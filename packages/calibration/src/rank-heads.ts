import { duoPolicy, headCount } from "./masks.ts";
import type { HeadIndex, HeadSettings } from "./masks.ts";
import type { Loss, Probe } from "./probe.ts";

/** What is lost in all: a policy must keep both the answers and the text. */
export function total({ answers, text }: Loss): number {
  return answers + (Number.isNaN(text) ? 0 : text);
}

/**
 * What is lost when one head alone streams, head by head: the output deviation of DuoAttention's gates (Xiao et al., 2410.10819), taken where it
 * counts, at the model's output, and so of any backend.
 * @returns nats, by head.
 */
export async function rankHeads(
  probe: Probe,
  settings: HeadSettings,
  { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress?: ((done: number, total: number) => void) | undefined } = {},
): Promise<number[]> {
  const scores: number[] = [];
  const heads = headCount(settings.shape);
  for (let head = 0; head < heads; head++) {
    onProgress?.(head, heads);
    scores.push(total(await probe.measure(duoPolicy(settings, new Set([head])), signal)));
  }
  return scores;
}

/** Heads by ascending score; ties by the lower index. */
export function ascending(scores: readonly number[]): HeadIndex[] {
  return scores.map((_, head) => head).toSorted((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0) || a - b);
}
