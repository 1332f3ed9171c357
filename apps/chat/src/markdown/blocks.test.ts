import { describe, expect, test } from "vitest";
import { type BlockList, NO_BLOCKS, updateBlocks } from "./blocks.ts";

const SAMPLE = `# Title

A paragraph with **strong**
words, and a second line.

- one
- two

  still two
  - nested

3. three

\`\`\`js
let a = 1;

# not a heading
\`\`\`

> quoted
> twice

| a | b |
| - | - |
| 1 | 2 |

Setext
======

    indented code

---
<div onclick="x">raw</div>

[link][1]

[1]: https://example.com
`;

const whole = (text: string): BlockList => updateBlocks(NO_BLOCKS, text);

describe("blocks of a growing text", () => {
  test.each([1, 2, 7, 64])("are the same in steps of %d characters as at once", (step) => {
    let list = NO_BLOCKS;
    for (let end = step; end < SAMPLE.length; end += step) list = updateBlocks(list, SAMPLE.slice(0, end));
    expect(updateBlocks(list, SAMPLE)).toEqual(whole(SAMPLE));
  });

  test("all blocks but the last are the same objects as before", () => {
    const before = whole("one\n\ntwo\n\nthree");
    const after = updateBlocks(before, "one\n\ntwo\n\nthree and more\n\nfour");
    expect(after.blocks.map(({ raw }) => raw)).toEqual(["one", "two", "three and more", "four"]);
    expect(after.blocks[0]).toBe(before.blocks[0]);
    expect(after.blocks[1]).toBe(before.blocks[1]);
  });

  test("an unchanged text is the same list", () => {
    const list = whole("one\n\ntwo");
    expect(updateBlocks(list, "one\n\ntwo")).toBe(list);
  });

  test("a text that does not continue the last one is read anew", () => {
    expect(updateBlocks(whole("one\n\ntwo"), "other").blocks.map(({ raw }) => raw)).toEqual(["other"]);
  });

  test("an empty text has no blocks", () => {
    expect(whole("").blocks).toEqual([]);
    expect(whole("\n".repeat(10_000)).blocks).toEqual([]);
  });

  test("keys are unique and begin where the block does", () => {
    const { blocks } = whole(SAMPLE);
    expect(new Set(blocks.map(({ start }) => start)).size).toBe(blocks.length);
    for (const { start, raw } of blocks) expect(SAMPLE.slice(start, start + raw.length)).toBe(raw);
  });

  test("code keeps its text and its language, while its fence is still open too", () => {
    const code = { text: "let a = 1;\nlet", language: "js" };
    expect(whole("```js title=x\nlet a = 1;\nlet").blocks.map((block) => block.code)).toEqual([code]);
  });

  test("the work of a step does not grow with the message", () => {
    const parsed = (text: string, previous: BlockList) => {
      const { blocks } = updateBlocks(previous, text);
      return blocks.filter((block, index) => block !== previous.blocks[index]).reduce((sum, { raw }) => sum + raw.length, 0);
    };
    const long = "A paragraph of some words.\n\n".repeat(2000);
    expect(parsed(`${long}and a last`, whole(`${long}and a`))).toBe("and a last".length);
  });
});
