import { expect, it } from "vitest";
import { printProducts } from "./print-products.ts";

it("compares several rows with one", () => {
  const milliseconds = (each: number) => ({
    "query, key, value": each,
    "attention output": each,
    "gate, up": 2 * each,
    down: each,
    "output head": 5 * each,
  });
  const times = [
    { rows: 1, milliseconds: milliseconds(1) },
    { rows: 4, milliseconds: milliseconds(1.5) },
  ];
  expect(printProducts({ simd: "relaxed", threads: 2, operationsPerRow: 269e6, times })).toMatchInlineSnapshot(`
    "All products of a step on the processor, relaxed SIMD, threads: 2

    rows  query, key, value, ms  attention output, ms  gate, up, ms  down, ms  output head, ms  all, ms  of one row  ms a row  Gop/s
       1                   1.00                  1.00          2.00      1.00             5.00     10.0       1.00x      10.0   26.9
       4                   1.50                  1.50          3.00      1.50             7.50     15.0       1.50x      3.75   71.7"
  `);
});
