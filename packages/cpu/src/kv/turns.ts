import { pageTokens, pagesFor, rotationTable } from "@longtab/attention";
import type { RotarySpec } from "@longtab/attention";
import type { Heap } from "../heap.ts";

/** Pages that the window of the table moves by at once. */
const stride = 256;

/** Bytes of the table for pages of the last `tokens` tokens. */
export function turnsBytes(headSize: number, tokens: number): number {
  return (pagesFor(tokens) + 2 * stride) * headSize * 4;
}

/** Cos and sin of 1, as the kernels multiply keys with them. */
const one = 32767;

/** Cos and sin of positions as kernels read them, int16 [positions, E / 2] of (cos, sin, -sin, cos): a pair of channels has two words. */
export function turnWords(spec: RotarySpec, positions: readonly number[]): Uint32Array<ArrayBuffer> {
  const rotations = rotationTable(spec, positions);
  const words = new Uint32Array(rotations.length);
  for (let pair = 0; pair < rotations.length; pair += 2) {
    const cos = Math.round((rotations[pair] ?? 0) * one);
    const sin = Math.round((rotations[pair + 1] ?? 0) * one);
    words[pair] = (sin << 16) | (cos & 0xffff);
    words[pair + 1] = (cos << 16) | (-sin & 0xffff);
  }
  return words;
}

/**
 * The turns of the positions at which pages begin, [pages], for the pages that may be kept: a window that moves
 * with the conversation. Layers, heads and timelines share it.
 */
export class PageTurns {
  readonly #heap: Heap;
  readonly #spec: RotarySpec;
  readonly #pages: number;
  /** Bytes of one page's turns. */
  readonly #stride: number;
  #table: number | undefined;
  /** Index of the first page in the table. */
  #first = 0;

  /** `tokens`: most tokens that a head keeps. Takes no memory before it is needed. */
  constructor(heap: Heap, spec: RotarySpec, tokens: number) {
    this.#heap = heap;
    this.#spec = spec;
    this.#pages = pagesFor(tokens) + 2 * stride;
    this.#stride = spec.headSize * 4;
  }

  /** Where the turns of page 0 would be, so that kernels find those of the pages kept at `position` by their index. Throws `out-of-memory`. */
  pointer(position: number): number {
    const first = Math.max(0, Math.ceil((pagesFor(position + 1) - this.#pages + stride) / stride)) * stride;
    if (this.#table === undefined || first !== this.#first) this.#move(first);
    return (this.#table ?? 0) - this.#first * this.#stride;
  }

  #move(first: number): void {
    this.#table ??= this.#heap.allocate(this.#pages * this.#stride);
    const positions = Array.from({ length: this.#pages }, (_, index) => (first + index) * pageTokens);
    const turns = turnWords(this.#spec, positions);
    this.#heap.u32(this.#table, turns.length).set(turns);
    this.#first = first;
  }
}
