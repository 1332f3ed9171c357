import type { CpuBackend } from "@longtab/cpu";
import type { Simd } from "./open-backend.ts";
import { openCpu } from "./open-backend.ts";

/** How many rows are multiplied at a time: one in decoding, a few with drafts, many in prefill. */
const rowCounts = [1, 2, 4, 8, 16, 64] as const;

/** Of weight that a tile and a block of inputs cover: packages/cpu/src/forms.ts. */
const blockColumns = 32;

/** The matrices of a layer, and the output head, which comes once. */
export const matrices = ["query, key, value", "attention output", "gate, up", "down", "output head"] as const;
export type MatrixName = (typeof matrices)[number];

/** All products of one step with `rows` rows. */
export interface ProductTimes {
  rows: number;
  /** Milliseconds, the best of several passes; a layer's matrices are those of all layers. */
  milliseconds: Record<MatrixName, number>;
}

export interface CpuProductFigures {
  simd: Simd;
  threads: number;
  /** Multiplications and additions of one row with all weights. */
  operationsPerRow: number;
  times: ProductTimes[];
}

type Weight = CpuBackend["model"]["weights"]["head"];

/**
 * The model's matrix products without anything between them, by the number of rows; every matrix of every layer in the order of a step, so that
 * weights come from where they come from in a model.
 */
export async function measureProducts({ model, simd, quick }: { model: string; simd: Simd; quick: boolean }): Promise<CpuProductFigures> {
  const { backend } = await openCpu(model, simd, { contextLength: 2048 });
  const { layers, head } = backend.model.weights;
  const weightsOf: Record<MatrixName, Weight[]> = {
    "query, key, value": layers.map(({ qkv }) => qkv),
    "attention output": layers.map(({ attentionOutput }) => attentionOutput),
    "gate, up": layers.map(({ gateUp }) => gateUp),
    down: layers.map(({ down }) => down),
    "output head": [head],
  };
  const all = Object.values(weightsOf).flat();
  const multiply = createMultiply(backend, all);
  const times = rowCounts.map((rows): ProductTimes => {
    const milliseconds = {
      "query, key, value": Infinity,
      "attention output": Infinity,
      "gate, up": Infinity,
      down: Infinity,
      "output head": Infinity,
    };
    for (let pass = 0; pass < (quick ? 3 : 12); pass++) {
      for (const matrix of matrices) {
        const started = performance.now();
        for (const weight of weightsOf[matrix]) multiply(weight, rows);
        milliseconds[matrix] = Math.min(milliseconds[matrix], performance.now() - started);
      }
    }
    return { rows, milliseconds };
  });
  const { threads } = backend;
  backend.dispose();
  return { simd, threads, operationsPerRow: 2 * all.reduce((sum, { rows, columns }) => sum + rows * columns, 0), times };
}

/** A product with any of the weights, on inputs and outputs of its own. */
function createMultiply({ heap, model: { kernels } }: CpuBackend, weights: readonly Weight[]): (weight: Weight, rows: number) => void {
  const mostRows = Math.max(...rowCounts);
  const [rowsOut, columns] = [Math.max(...weights.map((weight) => weight.rows)), Math.max(...weights.map((weight) => weight.columns))];
  const x = heap.allocate(mostRows * columns * 4);
  const y = heap.allocate(mostRows * rowsOut * 4);
  const scratch = heap.allocate(kernels.productScratch(rowsOut));
  heap.f32(x, mostRows * columns).forEach((_, index, values) => (values[index] = Math.sin(index)));
  const inputs = new Map<string, number>();
  const inputsOf = (bits: number, rows: number, width: number): number => {
    const key = `${bits} ${rows} ${width}`;
    const known = inputs.get(key);
    if (known !== undefined) return known;
    const made = heap.allocate(rows * (width / blockColumns) * kernels.inputBlockBytes(bits));
    kernels.quantise(x, rows, width, made, bits);
    inputs.set(key, made);
    return made;
  };
  return (weight, rows) => {
    for (const part of weight.parts) {
      const quantised = inputsOf(part.inputs, rows, weight.columns);
      kernels.product(
        part.tiles,
        part.bits,
        quantised,
        part.inputs,
        y + part.firstRow * 4,
        rows,
        part.rows,
        weight.columns / blockColumns,
        weight.rows,
        0,
        scratch,
      );
    }
  };
}
