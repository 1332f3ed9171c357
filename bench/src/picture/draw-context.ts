import type { PolicyName } from "@longtab/attention";
import type { ContextCell, ContextFigures } from "../context/figures.ts";
import { cellOf, lengthsOf, millisecondsOf, policiesOf } from "../context/figures.ts";
import type { Report } from "../report.ts";
import { formatNumber } from "../table.ts";
import { drawPanel } from "./panel.ts";
import type { Series } from "./panel.ts";
import { style } from "./style.ts";
import { element, text } from "./svg.ts";

const width = 920;
const height = 440;

/**
 * Time and memory against the length of the conversation, for each policy that was measured, as SVG; its colours follow the reader's scheme.
 * @throws Error with a sentence for the person where the report has no such figures.
 */
export function drawContext({ model, machine, context }: Pick<Report, "model" | "machine" | "context">): string {
  if (context?.state !== "measured" || context.cells.length === 0)
    throw new Error("There is nothing to draw: these figures lack the section context.");
  const series = (value: (cell: ContextCell) => number): Series[] => seriesOf(context, value);
  const place = { y: 112, width: 270, height: 250, trained: context.trained };
  const source = `${model.file}, keys and values in ${context.precision}. ${context.where.split(";")[0]}. ${machine.date.slice(0, 10)}`;
  return element(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-labelledby": "title" },
    element("title", { id: "title" }, "Time and memory against the length of a conversation, by context policy"),
    style,
    text("What a growing conversation costs", 24, 34, { class: "head" }),
    text("What a token takes, and what is held, by what each policy keeps and reads.", 24, 56, { class: "lede" }),
    drawPanel({
      ...place,
      title: context.clock === "processor" ? "Milliseconds of the processor per token" : "Milliseconds per token",
      series: series(millisecondsOf),
      format: formatNumber,
      x: 56,
    }),
    drawPanel({
      ...place,
      title: "Memory of keys and values, MB",
      series: series(({ kvBytes }) => kvBytes / 1e6),
      format: formatNumber,
      x: 516,
    }),
    text(source, 24, height - 14, { class: "note" }),
  );
}

/** What matters most is drawn last, above the others. */
function seriesOf(figures: ContextFigures, value: (cell: ContextCell) => number): Series[] {
  return policiesOf(figures).map((policy) => ({
    name: policy,
    className: classNames[policy],
    points: lengthsOf(figures).flatMap((tokens) => {
      const cell = cellOf(figures, policy, tokens);
      return cell ? [[tokens, value(cell)] as const] : [];
    }),
  }));
}

const classNames: Record<PolicyName, string> = {
  dense: "dense",
  streaming: "streaming",
  duo: "duo",
  quest: "quest",
  "duo+quest": "both",
  far: "far",
  auto: "auto",
};
