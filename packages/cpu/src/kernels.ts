import { LongtabError } from "@longtab/errors";

/** What assembly/index.ts exports. Pointers are byte addresses in the one memory; sizes are elements unless they say bytes. */
export interface Kernels {
  /** A helper's whole life. */
  join(): void;
  setHelpers(count: number): void;
  relay(form: number, source: number, rows: number, blocks: number, tiles: number): void;
  embed(tiles: number, bits: number, ids: number, rows: number, blocks: number, y: number): void;
  inputBits(weightBits: number): number;
  inputBlockBytes(bits: number): number;
  quantise(x: number, rows: number, columns: number, out: number, bits: number): void;
  norm(x: number, rows: number, columns: number, out: number, bits: number, weight: number, epsilon: number, normed: number): void;
  siluMul(gateUp: number, rows: number, columns: number, out: number, bits: number): void;
  product(
    tiles: number,
    bits: number,
    x: number,
    xBits: number,
    y: number,
    rows: number,
    rowsOut: number,
    blocks: number,
    stride: number,
    accumulate: number,
    scratch: number,
  ): void;
  productScratch(rowsOut: number): number;
  setPages(headSize: number, keyBits: number, valueBits: number, boxTokens: number, shrink: number, ranges: number): void;
  /** `closed`: 0 or 1. */
  pageBytes(closed: number): number;
  close(closings: number, count: number, headSize: number): void;
  queriesBytes(rotations: number, rows: number, heads: number, headSize: number): number;
  append(
    qkv: number,
    table: number,
    rotations: number,
    rows: number,
    heads: number,
    kvHeads: number,
    headSize: number,
    slots: number,
    queries: number,
  ): void;
  landmarkBytes(headSize: number): number;
  shortlistBytes(runs: number, headSize: number): number;
  looksBytes(runs: number): number;
  selectionScratchBytes(heads: number, kvHeads: number, headSize: number, capacity: number, threads: number): number;
  select(
    queries: number,
    rotations: number,
    heads: number,
    kvHeads: number,
    headSize: number,
    position: number,
    entries: number,
    records: number,
    capacity: number,
    runs: number,
    runTokens: number,
    farFrom: number,
    turns: number,
    selected: number,
    selectedRecords: number,
    selectedCapacity: number,
    hits: number,
    scratch: number,
    threads: number,
    landmarks: number,
    looks: number,
    anew: number,
  ): void;
  attentionScratchBytes(heads: number, kvHeads: number, headSize: number, capacity: number, threads: number): number;
  attend(
    queries: number,
    rotations: number,
    rows: number,
    heads: number,
    kvHeads: number,
    headSize: number,
    position: number,
    entries: number,
    records: number,
    capacity: number,
    turns: number,
    y: number,
    scratch: number,
    threads: number,
  ): void;
}

/** The builds of scripts/build-kernels.mjs. */
export type KernelsName = "kernels" | "kernels-relaxed" | "kernels-threads" | "kernels-relaxed-threads";

export function kernelsName(simd: "relaxed" | "plain", shared: boolean): KernelsName {
  return `kernels${simd === "relaxed" ? "-relaxed" : ""}${shared ? "-threads" : ""}` as KernelsName;
}

/** @throws LongtabError `wasm-unavailable` for kernels that this engine cannot read, `wasm-blocked` where the page's policy forbids WebAssembly. */
export async function compileKernels(bytes: BufferSource): Promise<WebAssembly.Module> {
  // A policy forbids to compile, not to validate.
  if (!WebAssembly.validate(bytes)) {
    throw new LongtabError({
      code: "wasm-unavailable",
      what: "The processor's part of Longtab is damaged, or this browser is too old for it",
      remedy: "reload the page or update the browser",
    });
  }
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new LongtabError({
      code: "wasm-blocked",
      what: "This page may not compile WebAssembly",
      remedy: "add 'wasm-unsafe-eval' to script-src in the page's Content-Security-Policy",
      cause,
    });
  }
}

export async function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Kernels> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  return exports as unknown as Kernels;
}
