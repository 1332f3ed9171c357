import { describe, expect, test } from "vitest";
import { parseBlocks } from "../src/index.ts";

describe("blocks", () => {
  test("paragraphs end at a blank line and keep their line breaks", () => {
    expect(parseBlocks("one\ntwo\n\nthree")).toEqual([
      { type: "paragraph", text: "one\ntwo" },
      { type: "paragraph", text: "three" },
    ]);
  });

  test("headings are of six levels, or underlined", () => {
    expect(parseBlocks("# A\n###### B ##\n#not\nC\n===\nD\n---")).toEqual([
      { type: "heading", level: 1, text: "A" },
      { type: "heading", level: 6, text: "B" },
      { type: "heading", level: 1, text: "#not\nC" },
      { type: "heading", level: 2, text: "D" },
    ]);
  });

  test("code keeps its text and language, also while its fence is open", () => {
    expect(parseBlocks("```js title=x\nlet a;\n\n# b\n```\nafter")).toEqual([
      { type: "code", language: "js", text: "let a;\n\n# b" },
      { type: "paragraph", text: "after" },
    ]);
    expect(parseBlocks("~~~\na\n```")).toEqual([{ type: "code", language: "", text: "a\n```" }]);
  });

  test("lists nest, hold blocks and begin at any number", () => {
    expect(parseBlocks("3. a\n   - b\n   - c\n\n   more\n4. d")).toEqual([
      {
        type: "list",
        ordered: true,
        start: 3,
        items: [
          [
            { type: "paragraph", text: "a" },
            { type: "list", ordered: false, start: 1, items: [[{ type: "paragraph", text: "b" }], [{ type: "paragraph", text: "c" }]] },
            { type: "paragraph", text: "more" },
          ],
          [{ type: "paragraph", text: "d" }],
        ],
      },
    ]);
  });

  test("items part by blank lines are one list, and another mark begins another", () => {
    expect(parseBlocks("- a\n\n- b\n* c").map((block) => block.type === "list" && block.items.length)).toEqual([2, 1]);
  });

  test("a year at the start of a line is no list", () => {
    expect(parseBlocks("It was\n1984. Yes")).toEqual([{ type: "paragraph", text: "It was\n1984. Yes" }]);
  });

  test("quotations hold blocks and go on lazily", () => {
    expect(parseBlocks("> # a\n> b\nc\n\nd")).toEqual([
      {
        type: "quote",
        blocks: [
          { type: "heading", level: 1, text: "a" },
          { type: "paragraph", text: "b\nc" },
        ],
      },
      { type: "paragraph", text: "d" },
    ]);
  });

  test("tables have a head, sides and rows of as many cells", () => {
    expect(parseBlocks("| a | b \\| c |\n|:--|--:|\n| 1 |\n| 2 | 3 | 4 |\n\nx")).toEqual([
      {
        type: "table",
        align: ["start", "end"],
        head: ["a", "b | c"],
        rows: [
          ["1", ""],
          ["2", "3"],
        ],
      },
      { type: "paragraph", text: "x" },
    ]);
  });

  test("rules are rules, not lists", () => {
    expect(parseBlocks("a\n\n---\n* * *\n___").map(({ type }) => type)).toEqual(["paragraph", "rule", "rule", "rule"]);
  });

  test("HTML is text", () => {
    expect(parseBlocks("<script>alert(1)</script>")).toEqual([{ type: "paragraph", text: "<script>alert(1)</script>" }]);
  });

  test.each([
    ["quotations in each other", ">".repeat(20_000)],
    ["lists in each other", "- ".repeat(20_000)],
    ["blank lines", "- a\n" + "\n".repeat(20_000)],
    ["marks of tables", "|-".repeat(20_000) + "\n" + "|-".repeat(20_000)],
    ["digits and spaces", "1. " + " ".repeat(50_000)],
    ["rules that are none", "- ".repeat(30_000) + "x"],
    ["tildes before a backtick", `${"~".repeat(50_000)}\``],
    ["the language of a fence that is none", `\`\`\`${"x".repeat(50_000)}\``],
    ["spaces after a fence that is none", `\`\`\`${" ".repeat(50_000)}\``],
    ["spaces in a heading", `# a${" ".repeat(50_000)}b`],
    ["spaces before a line separator in a heading", `#${" ".repeat(50_000)}a\u2028b`],
    ["spaces in a table's rule that is none", `|a|\n|-|-${" ".repeat(50_000)}x`],
    ["blank lines within an item", `- a${"\n".repeat(50_000)}  b`],
    ["blank lines between items", `- a${"\n".repeat(50_000)}- b`],
  ])("a hostile text of %s is read at once", { retry: 3 }, (_, text) => {
    // Again where the machine stood still meanwhile: the least of several times is what the code takes.
    const begun = performance.now();
    expect(parseBlocks(text).length).toBeGreaterThan(0);
    expect(performance.now() - begun).toBeLessThan(500);
  });
});
