import { expect, test } from "vitest";
import { joinVerses } from "./texts.ts";
import { readFromTar } from "./tar.ts";

/** A ustar archive of these files. */
function makeTar(files: Record<string, string>): Uint8Array {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const header = new Uint8Array(512);
    const body = new TextEncoder().encode(content);
    header.set(new TextEncoder().encode(name), 0);
    header.set(new TextEncoder().encode(body.length.toString(8).padStart(11, "0")), 124);
    const padded = new Uint8Array(Math.ceil(body.length / 512) * 512);
    padded.set(body);
    return [header, padded];
  });
  return Buffer.concat([...blocks, new Uint8Array(1024)]);
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test("finds a file behind others of any length", () => {
  const archive = makeTar({ "package/a.txt": "a".repeat(513), "package/b.txt": "", "package/c.txt": "the third" });
  expect(text(readFromTar(archive, "package/c.txt"))).toBe("the third");
  expect(readFromTar(archive, "package/a.txt")).toHaveLength(513);
  expect(readFromTar(archive, "package/b.txt")).toHaveLength(0);
});

test("refuses an archive that ends inside the file, or does not hold it", () => {
  const archive = makeTar({ "package/a.txt": "a".repeat(2000) });
  expect(() => readFromTar(archive.subarray(0, 1500), "package/a.txt")).toThrow("ends inside");
  expect(() => readFromTar(archive, "package/b.txt")).toThrow("does not hold");
  expect(() => readFromTar(new Uint8Array(600), "package/a.txt")).toThrow("does not hold");
});

test("verses become one text, with paragraphs and without marks", () => {
  expect(joinVerses(JSON.stringify({ "A 1:1": "It was [so].", "A 1:2": "# And then." }))).toBe("It was so. \nAnd then.");
});
