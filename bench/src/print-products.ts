import type { CpuProductFigures } from "./node/measure-products.ts";
import { matrices } from "./node/measure-products.ts";
import { formatNumber, formatRatio, formatTable } from "./table.ts";

const titles = [...matrices.map((matrix) => `${matrix}, ms`), "all, ms", "of one row", "ms a row", "Gop/s"];

/** Milliseconds of all products of a step by the number of rows: what several rows cost beside one. */
export function printProducts({ simd, threads, operationsPerRow, times }: CpuProductFigures): string {
  const sums = times.map(({ milliseconds }) => matrices.reduce((sum, matrix) => sum + milliseconds[matrix], 0));
  const rows = times.map(({ rows: count, milliseconds }, index) => {
    const all = sums[index] ?? Number.NaN;
    return [
      `${count}`,
      ...matrices.map((matrix) => formatNumber(milliseconds[matrix])),
      formatNumber(all),
      formatRatio(all / (sums[0] ?? Number.NaN)),
      formatNumber(all / count),
      formatNumber((operationsPerRow * count) / all / 1e6),
    ];
  });
  const columns = ["rows", ...titles].map((title) => ({ title, align: "right" as const }));
  return `All products of a step on the processor, ${simd} SIMD, threads: ${threads}\n\n${formatTable(columns, rows)}`;
}
