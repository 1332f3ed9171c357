import type { CacheShape, PageLooks, Selection } from "@longtab/attention";
import type { Heap } from "./heap.ts";
import { looksWords } from "./scratch.ts";

/** What a step of one row has noted at `pointer`, [layers x kvHeads]. */
export function readLooks(
  heap: Heap,
  pointer: number,
  { layers, kvHeads }: Pick<CacheShape, "layers" | "kvHeads">,
  selection: Selection,
): PageLooks[] {
  const words = looksWords(selection);
  return Array.from({ length: layers * kvHeads }, (_, head) => {
    const from = pointer + head * words * 4;
    const [count = 0] = heap.u32(from, 1);
    const [pairs, shares] = [heap.u32(from + 4, count * 2), heap.f32(from + 4, count * 2)];
    return {
      positions: Uint32Array.from({ length: count }, (__, index) => pairs[index * 2] ?? 0),
      shares: Float32Array.from({ length: count }, (__, index) => shares[index * 2 + 1] ?? 0),
    };
  });
}
