import { createPolicy } from "@longtab/attention";
import type { Backend } from "@longtab/engine";
import { logProbability } from "./distribution.ts";
import { force, read } from "./force.ts";

/** Mean loss, in nats, of a text's tokens behind the first half, when every head streams with so many sinks. */
export interface SinkLoss {
  sinks: number;
  nll: number;
}

/** What the first tokens are worth: the loss of one text with each number of sinks. The fewest that cost nothing are the model's sinks. */
export async function measureSinks(
  backend: Backend,
  ids: Uint32Array,
  {
    trained,
    recent,
    counts,
    signal,
    onProgress,
  }: {
    trained: number;
    recent: number;
    counts: readonly number[];
    signal?: AbortSignal | undefined;
    onProgress?: ((done: number, total: number) => void) | undefined;
  },
): Promise<SinkLoss[]> {
  const losses: SinkLoss[] = [];
  const half = ids.length >> 1;
  for (const [index, sinks] of counts.entries()) {
    onProgress?.(index, counts.length);
    const timeline = backend.createTimeline(createPolicy({ policy: "streaming", sinks, recent }, { trained, keeps: trained }));
    let sum = 0;
    try {
      await read(timeline, ids.subarray(0, half), { signal });
      await force(timeline, ids.subarray(half, -1), Infinity, (row, logits) => {
        sum -= logProbability(logits, ids[half + row + 1] ?? 0);
      });
    } finally {
      timeline.dispose();
    }
    losses.push({ sinks, nll: sum / (ids.length - 1 - half) });
  }
  return losses;
}
