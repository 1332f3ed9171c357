/** Writes one block of `values` at byte `at` of `blocks`, which is zero there. */
export type BlockEncoder = (values: Float32Array, blocks: DataView, at: number) => void;

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** The element of the largest magnitude, with its sign. */
export function extreme(values: Iterable<number>): number {
  let found = 0;
  for (const value of values) if (Math.abs(value) > Math.abs(found)) found = value;
  return found;
}

export function lowest(values: Float32Array): number {
  return values.reduce((low, value) => Math.min(low, value), Infinity);
}

export function highest(values: Float32Array): number {
  return values.reduce((high, value) => Math.max(high, value), -Infinity);
}

/** One byte for each value, without the iterator that makes Uint8Array.from slow. */
export function toBytes(values: Float32Array, level: (value: number) => number): Uint8Array {
  const bytes = new Uint8Array(values.length);
  values.forEach((value, i) => {
    bytes[i] = level(value);
  });
  return bytes;
}

/** 1 / scale, or 0 for a block whose scale is zero: all of its elements are then level zero. */
export function reciprocal(scale: number): number {
  return scale === 0 ? 0 : 1 / scale;
}

/** Sets bits of one byte, leaving the others. */
export function orByte(blocks: DataView, at: number, bits: number): void {
  blocks.setUint8(at, blocks.getUint8(at) | bits);
}
