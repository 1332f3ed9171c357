import type { Step, StorageBinding, UniformSlot } from "@longtab/gpu";
import { defineKernel } from "@longtab/gpu";
import matmulWgsl from "../../../../shaders/matmul.wgsl?raw";
import matvecWgsl from "../../../../shaders/matvec.wgsl?raw";
import stepWgsl from "../../../../shaders/lib/step.wgsl?raw";
import type { WeightFormat } from "../weights/format.ts";
import type { Weight } from "../weights/weight.ts";
import type { MatmulTuning } from "./matmul-tuning.ts";
import { forEveryFormat, weightSource } from "./matmul-source.ts";

export interface MatmulArguments {
  weight: Weight;
  /** f32 [rows, weight.columns]. */
  x: StorageBinding;
  /** f32 [rows, yStride]. */
  y: StorageBinding;
  /** Rows of x, T: 1 when decoding. More than one must be the tokens of the step's uniform. */
  rows: number;
  /** Elements from one row of y to the next; the weight's rows unless told. */
  yStride?: number;
  /** Element of each row of y at which the product begins. */
  yOffset?: number;
  /** Adds to y (a residual) instead of writing it. */
  accumulate?: boolean;
  /** The step's uniform (shaders/lib/step.wgsl). */
  step: UniformSlot;
}

/**
 * y = x weight^T: one row goes to the matrix-vector kernel, more to the tiled one. One dispatch a shard. Pipelines depend on the weight's shape and
 * format and on the tuning, never on the number of rows.
 */
export function matmul(step: Step, tuning: MatmulTuning, args: MatmulArguments): void {
  const { weight, x, y, rows, yStride = weight.rows, yOffset = 0, accumulate = false } = args;
  for (const shard of weight.shards) {
    const constants = { COLUMNS: weight.columns, ROWS: shard.rows, Y_OFFSET: yOffset + shard.firstRow, ACCUMULATE: Number(accumulate) };
    const { quants, scales } = shard;
    if (rows === 1) {
      const { lanes, quads, workgroup } = tuning.matvec;
      const rowsPerWorkgroup = (workgroup / lanes) * quads * 4;
      step.run(matvecKernels[shard.format], { quants, scales, x, y }, { ...constants, LANES: lanes, QUADS: quads, WORKGROUP: workgroup }, [
        Math.ceil(shard.rows / rowsPerWorkgroup),
      ]);
    } else {
      const { workgroup } = tuning.matmul;
      step.run(
        matmulKernels[shard.format],
        { quants, scales, x, y, step: args.step },
        { ...constants, Y_STRIDE: yStride, WORKGROUP: workgroup },
        [Math.ceil(shard.rows / (workgroup * 4)), Math.ceil(rows / tileTokens)],
      );
    }
  }
}

/** TOKENS of matmul.wgsl. */
const tileTokens = 8;

const matvecKernels = forEveryFormat(defineMatvec);
const matmulKernels = forEveryFormat(defineMatmul);

function defineMatvec(format: WeightFormat) {
  return defineKernel({
    name: `matvec_${format}`,
    source: [...weightSource(format), matvecWgsl],
    bindings: { quants: "read", scales: "read", x: "read", y: "read_write" },
    constants: ["COLUMNS", "ROWS", "Y_OFFSET", "ACCUMULATE", "LANES", "QUADS", "WORKGROUP"],
  });
}

function defineMatmul(format: WeightFormat) {
  return defineKernel({
    name: `matmul_${format}`,
    source: [stepWgsl, ...weightSource(format), matmulWgsl],
    bindings: { quants: "read", scales: "read", x: "read", y: "read_write", step: "uniform" },
    constants: ["COLUMNS", "ROWS", "Y_OFFSET", "Y_STRIDE", "ACCUMULATE", "WORKGROUP"],
  });
}
