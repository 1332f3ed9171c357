import { pageTokens } from "@longtab/attention";
import type { LayerPrecision } from "@longtab/attention";

export interface Decoded {
  /** [16][E] */
  keys: number[][];
  values: number[][];
  /** [E] */
  middles: number[];
}

/** A closed page as assembly/pages.ts describes it. */
export function decode(bytes: Uint8Array, headSize: number, precision: LayerPrecision): Decoded {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [keyBits, valueBits] = [precision === "kv4" ? 4 : 8, precision === "kv8" ? 8 : 4];
  const values = 2 * headSize * keyBits;
  const steps = values + 2 * headSize * valueBits;
  const scales = steps + 4 * headSize;
  const half = (byte: number, high: boolean): number => 2 * (high ? byte >> 4 : byte & 15) - 15;
  const key = (token: number, channel: number): number => {
    const at = (Math.floor(channel / 2) * 16 + (keyBits === 8 ? token : token % 8)) * 2 + (channel % 2);
    const byte = Math.floor(channel / 2) * 16 + (token % 8) * 2 + (channel % 2);
    const part = keyBits === 8 ? view.getInt8(at) / 128 : half(view.getUint8(byte), token >= 8) / 16;
    const step = view.getInt16(steps + 2 * channel, true);
    const middle = view.getInt16(steps + 2 * (headSize + channel), true);
    return (step * part + middle) * view.getFloat32(scales, true);
  };
  const value = (token: number, channel: number): number => {
    const run = values + Math.floor(token / 4) * ((headSize * valueBits) / 2);
    const at = run + channel * 2 + (token % 2);
    const second = token % 4 >= 2;
    const quant = second ? view.getUint8(at) >> 4 : view.getUint8(at) & 15;
    const part = valueBits === 8 ? view.getInt8(at + (second ? 2 * headSize : 0)) : 8 * quant + view.getInt8(scales + 80 + token);
    return part * view.getFloat32(scales + 16 + 4 * token, true);
  };
  const all = (read: typeof key): number[][] =>
    Array.from({ length: pageTokens }, (_, token) => Array.from({ length: headSize }, (__, channel) => read(token, channel)));
  const middles = Array.from(
    { length: headSize },
    (_, channel) => view.getInt16(steps + 2 * (headSize + channel), true) * view.getFloat32(scales, true),
  );
  return { keys: all(key), values: all(value), middles };
}
