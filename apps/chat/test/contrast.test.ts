import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

/** Colours as the stylesheet has them: [light, dark] by name. */
const css = readFileSync(new URL("../src/style/tokens.css", import.meta.url), "utf8");
const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[\da-f]{6}), (#[\da-f]{6})\)/g)].map(([, name = "", light = "", dark = ""]) => [
    name,
    [light, dark] as const,
  ]),
);

/** WCAG 2.2, relative luminance of an sRGB colour. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const GROUNDS = ["ground", "ground-low", "surface"];
const TEXT_ON_GROUND = ["ink", "ink-soft", "ink-faint", "accent", "danger", "warn"];
const PAIRS = [
  ...TEXT_ON_GROUND.flatMap((text) => GROUNDS.map((ground) => [text, ground] as const)),
  ["ink", "surface-high"],
  ["ink-soft", "surface-high"],
  ["on-accent", "accent"],
  ["on-accent", "accent-strong"],
  ["accent-strong", "accent-soft"],
  ["ink", "mark-soft"],
  ["ink", "accent-soft"],
  ["ink-soft", "accent-soft"],
  ["ink", "danger-soft"],
  ["danger", "danger-soft"],
] as const;

const OUTLINES = [
  ...GROUNDS.map((ground) => ["line-field", ground] as const),
  ...["sink", "away", "far", "kept", "recent", "forgotten"].map((kind) => [`kind-${kind}`, "surface"] as const),
];

describe.each([
  ["light", 0],
  ["dark", 1],
] as const)("in %s", (_scheme, side) => {
  test.each(PAIRS)("%s on %s is at least 4.5 to 1", (text, ground) => {
    expect(contrast(colours.get(text)?.[side] ?? "", colours.get(ground)?.[side] ?? "")).toBeGreaterThanOrEqual(4.5);
  });

  test.each(OUTLINES)("%s on %s is at least 3 to 1", (line, ground) => {
    expect(contrast(colours.get(line)?.[side] ?? "", colours.get(ground)?.[side] ?? "")).toBeGreaterThanOrEqual(3);
  });
});
