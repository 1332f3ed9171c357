import { describeAdapter } from "./describe-adapter.ts";
import type { KernelFigures } from "./node/measure-kernels.ts";
import type { Column } from "./table.ts";
import { formatNumber, formatShare, formatTable } from "./table.ts";

const columns: Column[] = [
  { title: "product", align: "left" },
  { title: "type", align: "left" },
  { title: "weight", align: "right" },
  { title: "tokens", align: "right" },
  { title: "ms", align: "right" },
  { title: "GB/s", align: "right" },
  { title: "of copy", align: "right" },
  { title: "GFLOP/s", align: "right" },
  { title: "of multiply-add", align: "right" },
];

/** The limits, then each product's bandwidth and rate as shares of them. */
export function printKernels({ adapter, limits, products }: KernelFigures): string {
  const rows = products.map((product) => [
    product.name,
    product.type,
    `${product.rows} x ${product.columns}`,
    `${product.tokens}`,
    formatNumber(product.milliseconds),
    formatNumber(product.gigabytesPerSecond),
    formatShare(product.shareOfCopy),
    formatNumber(product.gigaflops),
    formatShare(product.shareOfMultiplyAdd),
  ]);
  return [
    describeAdapter(adapter),
    `copy ${formatNumber(limits.copyGigabytesPerSecond)} GB/s (read and written), multiply-add ${formatNumber(limits.multiplyAddGigaflops)} GFLOP/s`,
    "",
    formatTable(columns, rows),
  ].join("\n");
}
