import { dense } from "@longtab/attention";
import type { MappedPrecision } from "@longtab/attention";
import type { Backend } from "@longtab/engine";
import { throwIfAborted } from "@longtab/errors";
import { choosePrecision } from "./choose-precision.ts";
import { compareLogits } from "./distribution.ts";
import { force, read } from "./force.ts";
import type { Continuation } from "./probe.ts";

export interface PrecisionOptions {
  layers: number;
  /** Of a number of the cache, on average: 4 to 8. */
  bits: number;
  texts: readonly Continuation[];
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Finds out what precision each layer's keys and values need: what is lost where one layer alone has fewer bits, then the change that loses least for
 * each bit, over and over. How pages are stored is decided when a model is loaded, so that every one of these is a load.
 * @param open a backend whose layers store complete pages so, or at full precision; it is disposed of here
 * @throws what `open` throws, and LongtabError `out-of-memory`, `aborted`, `device-lost`.
 */
export async function calibratePrecision(
  open: (precision: readonly MappedPrecision[] | undefined) => Promise<Backend>,
  { layers, bits, texts, signal, onProgress }: PrecisionOptions,
): Promise<MappedPrecision[]> {
  const total = 2 * layers + 2;
  let done = 0;
  const measure = async (precision: readonly MappedPrecision[] | undefined): Promise<Float32Array[]> => {
    throwIfAborted(signal);
    onProgress?.(done++, total);
    const backend = await open(precision);
    try {
      return await logitsOf(backend, texts, signal);
    } finally {
      backend.dispose();
    }
  };
  const reference = await measure(undefined);
  const lossOf = async (precision: readonly MappedPrecision[]): Promise<number> => meanKl(reference, await measure(precision));
  const most = Array.from({ length: layers }, (): MappedPrecision => "kv8");
  const least = await lossOf(most);
  const costs: Record<MappedPrecision, number>[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const alone = async (precision: MappedPrecision): Promise<number> => Math.max(0, (await lossOf(most.with(layer, precision))) - least);
    costs.push({ kv8: 0, k8v4: await alone("k8v4"), kv4: await alone("kv4") });
  }
  return choosePrecision(costs, bits);
}

/** The logits after each token that is scored, of all the texts. */
async function logitsOf(backend: Backend, texts: readonly Continuation[], signal?: AbortSignal): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  for (const { ids, scored } of texts) {
    const timeline = backend.createTimeline(dense);
    try {
      await read(timeline, ids.subarray(0, -scored), { signal });
      await force(timeline, ids.subarray(-scored), Infinity, (_, logits) => void rows.push(logits.slice()));
    } finally {
      timeline.dispose();
    }
  }
  return rows;
}

function meanKl(reference: readonly Float32Array[], rows: readonly Float32Array[]): number {
  return reference.reduce((sum, logits, row) => sum + compareLogits(logits, rows[row] ?? logits).kl, 0) / reference.length;
}
