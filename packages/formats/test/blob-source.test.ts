import { describe, expect, it } from "vitest";
import { BlobSource, BytesSource } from "../src/index.ts";

const BYTES = Uint8Array.from({ length: 100 }, (_, index) => index);

describe.each([
  ["BytesSource", () => new BytesSource(BYTES)],
  ["BlobSource", () => new BlobSource(new Blob([BYTES]))],
])("%s", (_, open) => {
  it("reads ranges, empty ones and the last byte included", async () => {
    expect(open().size).toBe(100);
    expect(await open().read(10, 3)).toEqual(Uint8Array.of(10, 11, 12));
    expect(await open().read(99, 1)).toEqual(Uint8Array.of(99));
    expect(await open().read(100, 0)).toEqual(new Uint8Array());
  });

  it.each([
    [99, 2],
    [101, 0],
    [-1, 1],
    [0, -1],
    [NaN, 1],
    [2 ** 53, 1],
  ])("refuses a read at %d of %d bytes", async (offset, length) => {
    await expect(open().read(offset, length)).rejects.toMatchObject({ code: "file-truncated" });
  });
});

describe("BytesSource", () => {
  it("gives copies that callers may keep and change", async () => {
    const source = new BytesSource(BYTES.slice());
    const first = await source.read(0, 4);
    first.fill(9);
    expect(await source.read(0, 4)).toEqual(Uint8Array.of(0, 1, 2, 3));
  });
});

describe("BlobSource", () => {
  it("says that a file changed when the browser can no longer read it", async () => {
    const file = new Blob([BYTES]);
    file.slice = () => {
      throw new DOMException("The requested file could not be read", "NotReadableError");
    };
    await expect(new BlobSource(file).read(0, 1)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[LongtabError: The file can no longer be read: it was changed, moved or removed. Choose it again.]`,
    );
  });
});
