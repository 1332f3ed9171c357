import { expect, it } from "vitest";
import { readSums } from "./library-size.ts";

const library = "    77.6 KB  assets/worker.js\n    85.8 KB  the library, client and worker together, gzip (limit 88.0)\n\n";
const processor = "     6.5 KB  cpu/kernels.wasm\n    16.8 KB  the processor's part with one build of its kernels, gzip (limit 40.0)\n\n";

it("reads the sums of the library and of the processor's part", () => {
  expect(readSums(library + processor)).toEqual({ library: 85.8, processor: 16.8 });
});

it("says which sum is missing", () => {
  expect(() => readSums(library)).toThrow("printed no sum of the processor's part");
  expect(() => readSums(processor)).toThrow("printed no sum of the library");
});
