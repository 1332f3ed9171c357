import { createHash } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { createSha256, parseSha256, sha256 } from "../src/sha256.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) % 256);

test.each([0, 1, 63, 64, 65, 1000])("SHA-256 of %i bytes is Node's, at once, in pieces and without WebCrypto", async (length) => {
  const part = bytes.slice(0, length);
  const expected = createHash("sha256").update(part).digest("hex");
  const pieces = createSha256();
  for (let offset = 0; offset < length; offset += 7) pieces.update(part.subarray(offset, offset + 7));
  expect(pieces.finish()).toBe(expected);
  expect(await sha256(part)).toBe(expected);
  // Insecure contexts have no `crypto.subtle`.
  vi.stubGlobal("crypto", {});
  expect(await sha256(part)).toBe(expected);
});

test("a stated SHA-256 has 64 hex digits, quoted or not", () => {
  const hex = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
  expect([hex, `"${hex}"`, hex.toUpperCase()].map(parseSha256)).toEqual([hex, hex, hex]);
  expect([null, undefined, "", `W/"${hex}"`, hex.slice(1), `${hex}0`, hex.replace("b", "g")].map(parseSha256)).toEqual(
    Array(7).fill(undefined),
  );
});
