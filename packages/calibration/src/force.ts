import { defaultSampling } from "@longtab/engine";
import type { Timeline } from "@longtab/engine";

/** Appends tokens without asking what comes next. */
export async function read(
  timeline: Timeline,
  ids: Uint32Array,
  options: { signal?: AbortSignal | undefined; onProgress?: ((done: number, total: number) => void) | undefined } = {},
): Promise<void> {
  const { signal, onProgress } = options;
  await timeline.prefill(
    ids,
    { ...defaultSampling, temperature: 0, seed: 0 },
    { ...(signal && { signal }), ...(onProgress && { onProgress }) },
  );
}

/**
 * Teacher forcing: appends `ids` and gives the logits after each of them, which predict the next. The array is reused.
 * @param rows tokens of a step: with 1 every policy acts as it does while generating; policies that do not select do so with any number.
 */
export async function force(
  timeline: Timeline,
  ids: Uint32Array,
  rows: number,
  onLogits: (index: number, logits: Float32Array) => void,
): Promise<void> {
  const stride = Math.min(rows, timeline.scoreRows);
  for (let at = 0; at < ids.length; at += stride) {
    const chunk = ids.subarray(at, at + stride);
    const logits = await timeline.score(chunk);
    const vocabulary = logits.length / chunk.length;
    for (let row = 0; row < chunk.length; row++) onLogits(at + row, logits.subarray(row * vocabulary, (row + 1) * vocabulary));
  }
}
