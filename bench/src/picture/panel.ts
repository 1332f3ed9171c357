import { spreadLabels } from "./labels.ts";
import type { Label } from "./labels.ts";
import { doublings, linearScale, logScale, roundTicks, tokensText } from "./scale.ts";
import { element, line, path, text } from "./svg.ts";

/** A line of a panel. */
export interface Series {
  /** Of a policy: its name, and the name of its colour. */
  name: string;
  className: string;
  /** Tokens, ascending, and what was measured there. */
  points: readonly (readonly [number, number])[];
}

export interface PanelOptions {
  title: string;
  series: readonly Series[];
  /** A number and its unit. */
  format: (value: number) => string;
  /** Where a vertical line says how long the texts were that the model learnt from. */
  trained: number;
  /** Of the axes. */
  x: number;
  y: number;
  width: number;
  height: number;
}

const labelHeight = 17;

/** Quantities against tokens in the conversation, each doubling of those a step; every line is named where it ends. */
export function drawPanel({ title, series, format, trained, x, y, width, height }: PanelOptions): string {
  const tokens = series.flatMap(({ points }) => points.map(([at]) => at));
  const [least, most] = [Math.min(...tokens), Math.max(...tokens)];
  const ticks = roundTicks(Math.max(...series.flatMap(({ points }) => points.map(([, value]) => value))));
  const right = x + width;
  const across = logScale(least, most, x + 14, right);
  const up = linearScale(ticks.at(-1) ?? 1, y + height, y);
  const parts = [text(title, x, y - 22, { class: "panel" })];
  for (const tick of ticks) {
    parts.push(line(x, up(tick), right, up(tick), { class: tick === 0 ? "axis" : "grid" }));
    parts.push(text(tick.toLocaleString("en"), x - 8, up(tick) + 4, { class: "tick", "text-anchor": "end" }));
  }
  for (const tick of doublings(least, most)) {
    parts.push(line(across(tick), y + height, across(tick), y + height + 5, { class: "axis" }));
    parts.push(text(tokensText(tick), across(tick), y + height + 20, { class: "tick", "text-anchor": "middle" }));
  }
  parts.push(text("tokens in the conversation", x, y + height + 40, { class: "tick" }));
  if (trained < most) {
    parts.push(line(across(trained), y, across(trained), y + height, { class: "window" }));
    parts.push(text("trained window", across(trained) + 5, y + 10, { class: "note" }));
  }
  for (const { className, points } of series) {
    const drawn = points.map(([at, value]) => [across(at), up(value)] as const);
    parts.push(path(drawn, { class: `line ${className}` }));
    parts.push(...drawn.map(([cx, cy]) => element("circle", { cx, cy, r: 2.5, class: `point ${className}` })));
    const [endX, endY] = drawn.at(-1) ?? [0, 0];
    if ((points.at(-1)?.[0] ?? 0) < most)
      parts.push(
        path(
          [
            [endX, endY - 5],
            [endX, endY + 5],
          ],
          { class: `line ${className}` },
        ),
      );
  }
  parts.push(...drawNames(series, most, across, up, { right, top: y + 4, bottom: y + height, format }));
  return parts.join("\n");
}

interface NamePlace {
  right: number;
  top: number;
  bottom: number;
  format: (value: number) => string;
}

interface Name extends Label {
  className: string;
}

/** Names at the right where lines go on to the end, above their last point where they end before. */
function drawNames(
  series: readonly Series[],
  most: number,
  across: (tokens: number) => number,
  up: (value: number) => number,
  { right, top, bottom, format }: NamePlace,
): string[] {
  const ends = series.flatMap(({ name, className, points }) => {
    const end = points.at(-1);
    return end ? [{ name, className, tokens: end[0], value: end[1], y: up(end[1]) }] : [];
  });
  const short = ends.filter(({ tokens }) => tokens < most);
  const parts = short.map(({ name, className, tokens, value, y }) =>
    text(`${name} ${format(value)}, ends here`, across(tokens) - 6, Math.max(top + 8, y - 8), {
      class: `name ${className}`,
      "text-anchor": "end",
    }),
  );
  const names = ends
    .filter(({ tokens }) => tokens === most)
    .map(({ name, className, value, y }): Name => ({ text: `${name} ${format(value)}`, className, anchor: y, y }));
  for (const { text: name, className, anchor, y } of spreadLabels(names, labelHeight, top, bottom)) {
    parts.push(line(right + 2, anchor, right + 12, y, { class: `lead ${className}` }));
    parts.push(text(name, right + 16, y + 4, { class: `name ${className}` }));
  }
  return parts;
}
