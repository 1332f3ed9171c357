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
 * Our kernels' time over ONNX Runtime's for 128 rows of all products of SmolLM2-135M, medians of alternating pairs in one run
 * (`node packages/cpu/scripts/prefill-contest.mjs`, Q4_1): relaxed SIMD in Chromium, plain SIMD in Node 20. Its own multiplication, without
 * turning, rounding and copying rows, takes 0.95 (relaxed) and 0.6 (plain) of our time, but only with one scale for a row of weights: there
 * is no arrangement of 8 bits that is as near to exact arithmetic as the file's own blocks, and the better ones cost it more.
 * 8-bit weights have no relaxed kernel; their plain one does the same work a weight as that of 4 bits.
 */
const timeRatio = { relaxed: { 4: 0.55, 8: 0.8 }, plain: { 4: 0.8, 8: 0.8 } } as const;

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
