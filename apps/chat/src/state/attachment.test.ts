import { describe, expect, test } from "vitest";
import { checkText, isModelFile, MOST_CHARACTERS, nameOfPaste, readTextFile } from "./attachment.ts";

const file = (contents: BlobPart, name = "book.txt") => new File([contents], name);
const utf16 = (text: string, little: boolean): Uint8Array<ArrayBuffer> => {
  const view = new DataView(new ArrayBuffer(2 + 2 * text.length));
  view.setUint16(0, 0xfeff, little);
  for (let at = 0; at < text.length; at++) view.setUint16(2 + 2 * at, text.charCodeAt(at), little);
  return new Uint8Array(view.buffer);
};

describe("a file as text", () => {
  test("UTF-8 is read whatever its line ends and its byte order mark", async () => {
    expect(await readTextFile(file("\ufeffone\r\ntwo\rthree 日本\n"))).toEqual({ text: "one\ntwo\nthree 日本\n" });
  });

  test.each([true, false])("UTF-16 is known by its first bytes (little-endian: %s)", async (little) => {
    expect(await readTextFile(file(utf16("Grüße 日本", little)))).toEqual({ text: "Grüße 日本" });
  });

  test("a picture is not a text, and the sentence says what to do", async () => {
    const bytes = Uint8Array.from({ length: 4000 }, (_, index) => (index * 73) % 256);
    expect(await readTextFile(file(bytes, "cat.png"))).toEqual({
      mistake: "“cat.png” is not a text file. Save it as plain text and attach that.",
    });
  });

  test("a damaged character in a long text is forgiven", () => {
    expect(checkText("a", `${"word ".repeat(1000)}\ud800`)).toEqual({ text: `${"word ".repeat(1000)}\ufffd` });
  });

  test.each(["", " \n\t"])("a file of %j has no text", async (contents) => {
    expect(await readTextFile(file(contents))).toEqual({ mistake: "“book.txt” has no text in it." });
  });

  test("the longest text is taken, and one character more is refused with the limit", () => {
    expect(checkText("a", "x".repeat(MOST_CHARACTERS))).toHaveProperty("text");
    expect(checkText("a", "x".repeat(MOST_CHARACTERS + 1))).toEqual({
      mistake: "“a” is longer than 4,000,000 characters, the most that can be attached.",
    });
  });
});

describe("a file of either kind", () => {
  test.each([
    ["model.gguf", "anything", true],
    ["MODEL.GGUF", "", true],
    ["no-ending", "GGUF\u0003", true],
    ["notes.txt", "GGU", false],
    ["empty", "", false],
  ])("%s beginning with %j is a model: %s", async (name, contents, model) => {
    expect(await isModelFile(file(contents, name))).toBe(model);
  });
});

test("a paste is named by its first words, and a word without end is cut", () => {
  expect(nameOfPaste("  Call me\nIshmael. Some years ago never mind how long")).toBe("Call me Ishmael. Some years ago");
  expect(nameOfPaste("x".repeat(9000))).toBe(`${"x".repeat(40)}…`);
});
