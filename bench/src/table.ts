export type Alignment = "left" | "right";

export interface Column {
  title: string;
  align: Alignment;
}

/**
 * Rows under titles, each column as wide as its widest cell, two spaces between them. Cells that a row lacks are empty.
 * Widths count characters: cells are plain text without wide or combining ones.
 */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? "").length)));
  return lines
    .map((line) =>
      columns
        .map(({ align }, index) => {
          const cell = line[index] ?? "";
          const width = widths[index] ?? 0;
          return align === "left" ? cell.padEnd(width) : cell.padStart(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Three significant digits at least, and no decimals where they would say nothing: 0.0123, 1.45, 12.3, 123, 4567. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 1 || size === 0) return value.toFixed(2);
  return Number(value.toPrecision(3)).toString();
}

/** 0.613 as "61%". */
export function formatShare(value: number): string {
  return Number.isFinite(value) ? `${(value * 100).toFixed(0)}%` : "-";
}

/** 4.231 as "4.23x". */
export function formatRatio(value: number): string {
  return Number.isFinite(value) ? `${formatNumber(value)}x` : "-";
}
