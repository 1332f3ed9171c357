import type { Row } from "./measures.ts";
import targetList from "./targets.json" with { type: "json" };

/** What the project wants a measure of a cell to be. */
export interface Target {
  suite: string;
  /** The cell's name, or how it begins. */
  cell: string;
  measure: string;
  most?: number;
  least?: number;
  /** A cell whose measure ours is divided by; with a name that ends before the context, the one at the same context. */
  of?: string;
}

export interface Judgement {
  suite: string;
  cell: string;
  measure: string;
  /** "at most 0.03", "at least 95% of dense at 4096" */
  aim: string;
  value: number;
  met: boolean;
}

const targets: readonly Target[] = targetList;

/** Every target that a measured cell has, met or missed. */
export function judge(rows: readonly Row[], list: readonly Target[] = targets): Judgement[] {
  return list.flatMap((target) =>
    rows
      .filter(({ suite, cell }) => suite === target.suite && cell.startsWith(target.cell))
      .flatMap((row) => {
        const measured = row.measures[target.measure]?.mean;
        const reference = target.of === undefined ? undefined : findReference(rows, row, target.of);
        if (measured === undefined || (target.of !== undefined && reference === undefined)) return [];
        return [judgeOne(target, row.cell, measured, reference)];
      }),
  );
}

function judgeOne(target: Target, cell: string, measured: number, reference: { cell: string; mean: number } | undefined): Judgement {
  const { suite, measure, most, least } = target;
  const value = reference ? measured / reference.mean : measured;
  const of = reference ? ` of ${reference.cell}` : "";
  const aim = [...(least === undefined ? [] : [`at least ${least}${of}`]), ...(most === undefined ? [] : [`at most ${most}${of}`])].join(
    ", ",
  );
  return { suite, cell, measure, aim, value, met: value >= (least ?? -Infinity) && value <= (most ?? Infinity) };
}

function findReference(rows: readonly Row[], { suite, cell }: Row, of: string): { cell: string; mean: number } | undefined {
  const context = / at \d+$/.exec(cell)?.[0] ?? "";
  const name = of.endsWith(" at") ? of.slice(0, -" at".length) + context : of;
  const mean = rows.find((row) => row.suite === suite && row.cell === name)?.measures["right"]?.mean;
  // Nothing to compare with where the dense model answers nothing.
  return mean === undefined || mean === 0 ? undefined : { cell: name, mean };
}
