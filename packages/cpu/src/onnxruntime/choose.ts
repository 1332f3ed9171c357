import { LongtabError } from "@longtab/errors";

export interface PrefillFacts {
  /** What the user asked for. */
  wanted: "auto" | "own" | "onnxruntime";
  simd: "relaxed" | "plain";
  /** Bits of most stored weights. */
  weightBits: 4 | 8;
  /** Bytes of ONNX Runtime's 8-bit copies of the layers' weights: one for each. */
  copyBytes: number;
  /** Bytes that the tab may still take beside weights, scratch and cache. */
  freeBytes: number;
  /** Our kernels' time over ONNX Runtime's, where it was measured for this machine and model; the table's otherwise. */
  ratio?: number;
}

export interface PrefillChoice {
  engine: "own" | "onnxruntime";
  /** One plain sentence without a full stop. */
  reason: string;
}

/**
 * Our kernels' time over ONNX Runtime's for 128 rows of all products of SmolLM2-135M (Q4_1), medians of alternating pairs in one run of
 * `node packages/cpu/scripts/prefill-contest.mjs`: relaxed SIMD in Chromium (0.64 with one thread, 0.60 with two), plain SIMD in Node 20 (0.99 and
 * 1.09). 8-bit weights have no relaxed kernel; their plain one does the same work a weight as that of 4 bits (1004 and 1002 ms).
 *
 * Its multiplication alone took 640 ms with one thread where ours took 570 (relaxed) and 1002 (plain); turning, rounding and copying rows in
 * JavaScript takes the rest. Should that move into the kernels, measure again: plain SIMD may then be worth it.
 */
const timeRatio = { relaxed: { 4: 0.6, 8: 1.05 }, plain: { 4: 1.05, 8: 1.05 } } as const;

/** From here on ONNX Runtime is worth its download, its memory and its rounding. */
const worthIt = 1.2;

/** ONNX Runtime's memory over the bytes of its copies: 151 MB for 107 MB of codes, as its allocator grew it. */
const memoryOverhead = 1.45;

/** Which engine multiplies the many rows of a prefill, and why: for the plan that the user sees. */
export function choosePrefill({
  wanted,
  simd,
  weightBits,
  copyBytes,
  freeBytes,
  ratio = timeRatio[simd][weightBits],
}: PrefillFacts): PrefillChoice {
  if (wanted === "own") return { engine: "own", reason: "the setting says so" };
  const needed = copyBytes * memoryOverhead;
  if (needed > freeBytes) {
    return {
      engine: "own",
      reason: `ONNX Runtime would need ${megabytes(needed)} for 8-bit copies of the weights, and ${megabytes(freeBytes)} are free`,
    };
  }
  if (wanted === "onnxruntime") return { engine: "onnxruntime", reason: "the setting says so" };
  if (ratio > worthIt) return { engine: "onnxruntime", reason: `our own kernels take ${ratio} times as long as ONNX Runtime's` };
  return {
    engine: "own",
    reason: `our own kernels take ${ratio} times as long as ONNX Runtime's, without a download or ${megabytes(needed)} of memory`,
  };
}

/** Why ONNX Runtime is done without when it fails: prefill then goes on with our own kernels, and the load is none the worse. */
export function withoutOnnxRuntime(error: unknown): PrefillChoice {
  const { code, what } = LongtabError.from(error);
  // What the user asked for or what the file did is no reason to go on.
  if (code !== "wasm-unavailable" && code !== "out-of-memory") throw error;
  return { engine: "own", reason: what };
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
