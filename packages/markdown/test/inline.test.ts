import { describe, expect, test } from "vitest";
import { parseInline } from "../src/index.ts";
import type { Inline } from "../src/index.ts";

/** Inline nodes in short: <em>..</em> and the like. */
function show(nodes: readonly Inline[]): string {
  return nodes
    .map((node) => {
      if (node.type === "text") return node.text;
      if (node.type === "break") return "<br>";
      if (node.type === "code") return `<code>${node.text}</code>`;
      if (node.type === "link") return `<a ${node.href}>${show(node.children)}</a>`;
      return `<${node.type}>${show(node.children)}</${node.type}>`;
    })
    .join("");
}

test.each([
  [
    "*a* **b** ***c*** _d_ __e__ ~~f~~",
    "<em>a</em> <strong>b</strong> <em><strong>c</strong></em> <em>d</em> <strong>e</strong> <del>f</del>",
  ],
  ["**bold *and* em**", "<strong>bold <em>and</em> em</strong>"],
  ["2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"],
  ["an *open mark", "an *open mark"],
  ["a\\*b\\* \\_c\\_", "a*b* _c_"],
  ["`a * b` and ``c ` d``", "<code>a * b</code> and <code>c ` d</code>"],
  ["an `open code", "an `open code"],
  ["one\ntwo", "one<br>two"],
  ['[a *b*](https://x.example/y_z "t")', "<a https://x.example/y_z>a <em>b</em></a>"],
  ["[a](javascript:alert(1)) [b](/local) [c](data:text/html,x)", "a b c"],
  ["![picture](https://x.example/p.png)", "<a https://x.example/p.png>picture</a>"],
  ["![](https://x.example/p.png)", "<a https://x.example/p.png>https://x.example/p.png</a>"],
  ["see https://x.example/a_(b). Then", "see <a https://x.example/a_(b)>https://x.example/a_(b)</a>. Then"],
  ["<https://x.example/?a=b&c>", "<a https://x.example/?a=b&c>https://x.example/?a=b&c</a>"],
  ["[a [b](https://x.example) c](https://y.example)", "<a https://y.example>a b c</a>"],
  ["an [open link and ] alone", "an [open link and ] alone"],
  ["<b>html</b> & <img src=x onerror=alert(1)>", "<b>html</b> & <img src=x onerror=alert(1)>"],
])("%j", (text, expected) => {
  expect(show(parseInline(text))).toBe(expected);
});

describe("a hostile text is read at once", () => {
  test.each([
    ["marks", "*a _b ".repeat(10_000)],
    ["brackets", "[".repeat(50_000)],
    ["links that never end", "[a](".repeat(10_000)],
    ["backticks", "`".repeat(50_000)],
    ["backticks of every length", Array.from({ length: 400 }, (_, n) => "`".repeat(n)).join(" ")],
    ["parentheses", `[a](${"(a".repeat(20_000)}`],
    ["spaces between words", `a${" ".repeat(50_000)}b`],
    ["spaces before an address", `[a](${" ".repeat(50_000)}b`],
    ["spaces after an address", `[a](b${" ".repeat(50_000)}c`],
    ["brackets in an address", `http://${")".repeat(50_000)}a`],
  ])("of %s", { retry: 3 }, (_, text) => {
    // Again where the machine stood still meanwhile: the least of several times is what the code takes.
    const begun = performance.now();
    expect(parseInline(text).length).toBeGreaterThan(0);
    expect(performance.now() - begun).toBeLessThan(500);
  });
});

test("what a link to nowhere holds stays, however much it is", () => {
  expect(parseInline(`[${"`a` ".repeat(70_000)}](/local)`)).toHaveLength(140_000);
});
