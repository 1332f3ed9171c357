import { createPolicy } from "@longtab/attention";
import type { Backend } from "@longtab/engine";
import { logProbability } from "./distribution.ts";
import { force } from "./force.ts";

/** Mean loss, in nats, of a text's tokens behind the first half, when every head streams with so many sinks. */
export interface SinkLoss {
  sinks: number;
  nll: number;
}

/** What the first tokens are worth: the loss of one text with each number of sinks. The fewest that cost nothing are the model's sinks. */
export async function measureSinks(
  backend: Backend,
  ids: Uint32Array,
  { trained, recent, counts }: { trained: number; recent: number; counts: readonly number[] },
): Promise<SinkLoss[]> {
  const losses: SinkLoss[] = [];
  for (const sinks of counts) {
    const timeline = backend.createTimeline(createPolicy({ policy: "streaming", sinks, recent }, { trained, keeps: trained }));
    const half = ids.length >> 1;
    let sum = 0;
    try {
      await force(timeline, ids.subarray(0, -1), Infinity, (index, logits) => {
        if (index >= half) sum -= logProbability(logits, ids[index + 1] ?? 0);
      });
    } finally {
      timeline.dispose();
    }
    losses.push({ sinks, nll: sum / (ids.length - 1 - half) });
  }
  return losses;
}
