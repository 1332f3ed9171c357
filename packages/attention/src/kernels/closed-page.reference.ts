import type { PageStorage } from "../webgpu/storage.ts";
import { unpackF16 } from "./f16.reference.ts";

/** What a record says of its page, in plain numbers. */
export interface ClosedPage {
  /** Distance of two neighbouring codes, by channel: of boxes, and of keys. */
  boxStep: number[];
  keyStep: number[];
  /** By token. */
  valueStep: number[];
  /** [boxRuns][E] */
  highs: number[][];
  lows: number[][];
  /** [16][E]; empty where they stay in the open page. */
  keys: number[][];
  values: number[][];
}

/** Reads a record byte by byte, as shaders/lib/closed_page.wgsl describes it. */
export function readRecord(bytes: Uint8Array, headSize: number, { keyBits, valueBits, boxRuns }: PageStorage): ClosedPage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const f16 = (at: number): number => unpackF16(view.getUint16(at, true));
  const [base, span, widest] = [f16(0), f16(2), f16(4)];
  const channels = Array.from({ length: headSize }, (_, channel) => {
    const at = 16 + Math.floor(channel / 8) * 16 + (channel % 8);
    return { offset: base + (span * view.getUint8(at)) / 255, range: (widest * view.getUint8(at + 8)) / 255 };
  });
  /** Code of channel c among codes of `bits` that begin, 8 channels at a time, at these places. */
  const code = (placeOf: (octet: number) => number, bits: number, channel: number): number => {
    const place = placeOf(Math.floor(channel / 8));
    if (bits === 8) return view.getUint8(place + (channel % 8)) / 255;
    return ((view.getUint8(place + (channel % 4)) >> (channel % 8 < 4 ? 0 : 4)) & 15) / 15;
  };
  const boxesAt = 16 + headSize * 2;
  const keysAt = boxesAt + Math.ceil((headSize * boxRuns) / 16) * 16;
  const box = (run: number, side: number): number[] =>
    channels.map(({ offset, range }, c) => offset + range * code((octet) => boxesAt + ((octet * 2 + side) * boxRuns + run) * 4, 4, c));
  const runs = Array.from({ length: boxRuns }, (_, run) => run);
  const page = { highs: runs.map((run) => box(run, 0)), lows: runs.map((run) => box(run, 1)) };
  const steps = { boxStep: channels.map(({ range }) => range / 15), keyStep: channels.map(({ range }) => range / (2 ** keyBits - 1)) };
  if (keyBits === 16) return { ...page, ...steps, valueStep: [], keys: [], values: [] };
  const scalesAt = keysAt + headSize * 2 * keyBits;
  const valuesAt = scalesAt + 64;
  const tokens = Array.from({ length: 16 }, (_, token) => ({
    offset: f16(scalesAt + token * 4),
    range: f16(scalesAt + token * 4 + 2),
    token,
  }));
  const octets = (token: number, octet: number, bits: number): number => (token * (headSize / 8) + octet) * bits;
  return {
    ...page,
    ...steps,
    valueStep: tokens.map(({ range }) => range / (2 ** valueBits - 1)),
    keys: tokens.map(({ token }) =>
      channels.map(({ offset, range }, c) => offset + range * code((octet) => keysAt + octets(token, octet, keyBits), keyBits, c)),
    ),
    values: tokens.map(({ offset, range, token }) =>
      channels.map((_, c) => offset + range * code((octet) => valuesAt + octets(token, octet, valueBits), valueBits, c)),
    ),
  };
}
