import { crc32 as nodeCrc32 } from "node:zlib";
import { createRandom } from "@longtab/formats/testing";
import { expect, it } from "vitest";
import { crc32 } from "./crc32.ts";

it("a CRC is the standard's", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array(0))).toBe(0);
});

it("a CRC of bytes of any length is Node's, in one piece or several", () => {
  const random = createRandom(1);
  for (const length of [1, 2, 3, 4, 5, 7, 8, 63, 1000, 4097]) {
    const bytes = random.bytes(length);
    expect(crc32(bytes)).toBe(nodeCrc32(bytes));
    const cut = random.integer(length + 1);
    expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(nodeCrc32(bytes));
  }
});
