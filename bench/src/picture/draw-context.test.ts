import { describe, expect, it } from "vitest";
import { exampleFigures } from "../context/example.ts";
import type { ContextFigures } from "../context/figures.ts";
import { drawContext } from "./draw-context.ts";

const machine = { date: "2026-01-02T03:04:05Z", platform: "", cpu: "", cores: 2, memoryBytes: 0, node: "", loadAverage: 0 };
const draw = (figures: ContextFigures): string =>
  drawContext({ model: { file: "a<b>.gguf", bytes: 0 }, machine, context: { state: "measured", ...figures } });

/** "M0 1L2 3" of each line of a class, as numbers. */
function linesOf(svg: string, className: string): number[][] {
  return [...svg.matchAll(new RegExp(`<path d="([^"]*)" class="line ${className}"`, "g"))].map(([, d = ""]) =>
    [...d.matchAll(/-?[\d.]+/g)].map(Number),
  );
}

describe("drawContext", () => {
  const svg = draw(exampleFigures);

  it("draws a line of each policy in each panel, through every length that it was measured at", () => {
    expect(linesOf(svg, "streaming").map(({ length }) => length)).toEqual([6, 6]);
    expect(linesOf(svg, "auto").map(({ length }) => length)).toEqual([6, 6]);
    // Dense ends before the others: two points, and a stop across the end.
    expect(linesOf(svg, "dense").map(({ length }) => length)).toEqual([4, 4, 4, 4]);
  });

  it("puts less time and less memory lower, and longer conversations further right", () => {
    const [time = [], memory = []] = linesOf(svg, "auto");
    for (const [x1 = 0, y1 = 0, x2 = 0, y2 = 0, x3 = 0, y3 = 0] of [time, memory]) {
      expect([x1, x2, x3]).toEqual([x1, x2, x3].toSorted((a, b) => a - b));
      expect([y1, y2, y3]).toEqual([y1, y2, y3].toSorted((a, b) => b - a));
    }
  });

  it("names lines by their last figures, and says where one ends", () => {
    for (const name of ["auto 37.5", "auto 310", "streaming 33.0", "dense 60.0, ends here", "dense 113, ends here"])
      expect(svg).toContain(`>${name}</text>`);
  });

  it("marks the trained window where conversations go past it", () => {
    expect(svg.match(/trained window/g)).toHaveLength(2);
    const short = { ...exampleFigures, cells: exampleFigures.cells.filter(({ tokens }) => tokens <= 8192) };
    expect(draw(short)).not.toContain("trained window");
  });

  it("writes any file's name so that the picture stays well-formed", () => {
    expect(svg).toContain("a&lt;b&gt;.gguf");
  });

  it("refuses figures without policies", () => {
    const report = { model: { file: "m.gguf", bytes: 0 }, machine };
    expect(() => drawContext(report)).toThrow("lack the section context");
    expect(() => drawContext({ ...report, context: { state: "skipped", reason: "no memory" } })).toThrow("lack the section context");
  });
});
