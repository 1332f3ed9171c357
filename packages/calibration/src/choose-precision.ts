import { mappedPrecisions } from "@longtab/attention";
import type { MappedPrecision } from "@longtab/attention";

/** Bits of a number of the cache, keys and values together. */
export const precisionBits: Record<MappedPrecision, number> = { kv8: 8, k8v4: 6, kv4: 4 };

/** The least that the layers so far can lose with as many bits, and how. */
interface Best {
  loss: number;
  precision?: MappedPrecision;
  before?: Best;
}

/**
 * The precision of each layer that loses least in all, where numbers have `bits` on average at most. As in KVTuner (Li et al., 2502.04420) what layers
 * lose adds up, so that the best choice for each sum of bits can be made layer by layer.
 * @param costs [layers]: what is lost when a layer alone is stored so, in nats
 * @param bits 4 at least
 */
export function choosePrecision(costs: readonly Record<MappedPrecision, number>[], bits: number): MappedPrecision[] {
  let bests = new Map<number, Best>([[0, { loss: 0 }]]);
  for (const [layer, cost] of costs.entries()) {
    const most = bits * costs.length - precisionBits.kv4 * (costs.length - layer - 1);
    const next = new Map<number, Best>();
    for (const [used, before] of bests) {
      for (const precision of mappedPrecisions) {
        const sum = used + precisionBits[precision];
        const loss = before.loss + cost[precision];
        if (sum <= most && loss < (next.get(sum)?.loss ?? Infinity)) next.set(sum, { loss, precision, before });
      }
    }
    bests = next;
  }
  const [best] = [...bests.values()].toSorted((a, b) => a.loss - b.loss);
  const chosen: MappedPrecision[] = [];
  for (let at = best; at?.precision; at = at.before) chosen.unshift(at.precision);
  return chosen;
}
