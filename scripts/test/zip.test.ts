import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { extractOne } from "../zip.mjs";
import { seededBytes, temporaryFolder, zip } from "./support.ts";

const bytes = seededBytes(70_000);

function zipFile(contents: Buffer): { archive: string; target: string } {
  const folder = temporaryFolder();
  const archive = join(folder, "a.zip");
  writeFileSync(archive, contents);
  return { archive, target: join(folder, "out") };
}

test.each([true, false])("extracts the one entry of that name (deflated: %s)", async (deflate) => {
  const { archive, target } = zipFile(
    zip([
      { name: "a/readme.txt", bytes: Buffer.from("hello"), deflate },
      { name: "a/model.gguf", bytes, deflate },
    ]),
  );
  await extractOne(archive, ".gguf", target);
  expect(readFileSync(target).equals(bytes)).toBe(true);
});

test("says how many entries there are when it is not one", async () => {
  const { archive, target } = zipFile(zip([{ name: "readme.txt", bytes: Buffer.from("hello"), deflate: false }]));
  await expect(extractOne(archive, ".gguf", target)).rejects.toThrow("holds 0 files named *.gguf where one is expected");
});

test("refuses a zip that is cut off", async () => {
  const whole = zip([{ name: "model.gguf", bytes, deflate: false }]);
  const { archive, target } = zipFile(whole.subarray(0, whole.length - 30));
  await expect(extractOne(archive, ".gguf", target)).rejects.toThrow("not a zip file");
});

test("refuses an entry that is longer or shorter than the directory says", async () => {
  const whole = zip([{ name: "model.gguf", bytes, deflate: true }]);
  const size = whole.lastIndexOf(Buffer.from("PK\x01\x02", "latin1")) + 24;
  for (const wrong of [bytes.length - 1, bytes.length + 1]) {
    const changed = Buffer.from(whole);
    changed.writeUInt32LE(wrong, size);
    const { archive, target } = zipFile(changed);
    await expect(extractOne(archive, ".gguf", target)).rejects.toThrow(
      wrong < bytes.length ? "is longer than its directory says" : "ends early",
    );
  }
});
