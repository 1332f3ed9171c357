import type { Step, StorageBinding, UniformSlot } from "@longtab/gpu";
import { defineKernel } from "@longtab/gpu";
import directWgsl from "../../../../shaders/lib/x_direct.wgsl?raw";
import matmulWgsl from "../../../../shaders/matmul.wgsl?raw";
import matvecSubgroupWgsl from "../../../../shaders/matvec_subgroup.wgsl?raw";
import matvecWgsl from "../../../../shaders/matvec.wgsl?raw";
import shuffledWgsl from "../../../../shaders/lib/x_shuffled.wgsl?raw";
import stepWgsl from "../../../../shaders/lib/step.wgsl?raw";
import storeQuadWgsl from "../../../../shaders/lib/store_quad.wgsl?raw";
import type { WeightFormat } from "../weights/format.ts";
import type { Weight } from "../weights/weight.ts";
import type { MatmulTuning } from "./matmul-tuning.ts";
import { forEveryFormat, weightSource } from "./matmul-source.ts";

export interface MatmulArguments {
  weight: Weight;
  /** f32 [rows, weight.columns]. */
  x: StorageBinding;
  /** f32 [rows, weight.stride]. */
  y: StorageBinding;
  /** Rows of x, T: 1 when decoding. More than one must be the tokens of the step's uniform. */
  rows: number;
  /** Adds to y (a residual) instead of writing it. */
  accumulate?: boolean;
  /** The step's uniform (shaders/lib/step.wgsl). */
  step: UniformSlot;
}

/**
 * y = x weight^T: one row goes to a matrix-vector kernel, more to the tiled one. One dispatch a shard. Pipelines depend on the format and the tuning
 * alone: shapes are in the shards' uniforms.
 */
export function matmul(
  step: Step,
  { matvec, matmul: tiled }: MatmulTuning,
  { weight, x, y, rows, accumulate = false, step: uniform }: MatmulArguments,
): void {
  for (const { format, rows: shardRows, quants, scales, uniform: shape } of weight.shards) {
    const quads = Math.ceil(shardRows / 4);
    const shard = { buffer: shape, offset: accumulate ? 256 : 0 };
    if (rows > 1) {
      const kernels = tiled.subgroups ? matmulSubgroup : matmulDirect;
      const workgroups = [Math.ceil(quads / tiled.workgroup), Math.ceil(rows / tileTokens)] as const;
      step.run(kernels[format], { quants, scales, x, y, shard, step: uniform }, { WORKGROUP: tiled.workgroup }, workgroups);
    } else if (matvec.subgroups) {
      step.run(matvecSubgroup[format], { quants, scales, x, y, shard }, { WORKGROUP: matvec.workgroup }, [
        Math.ceil(quads / matvec.workgroup),
      ]);
    } else {
      const workgroups = [Math.ceil(quads / (matvec.workgroup / matvec.lanes))] as const;
      step.run(matvecLanes[format], { quants, scales, x, y, shard }, { LANES: matvec.lanes, WORKGROUP: matvec.workgroup }, workgroups);
    }
  }
}

/** TOKENS of matmul.wgsl. */
const tileTokens = 8;

const matvecBindings = { quants: "read", scales: "read", x: "read", y: "read_write", shard: "uniform" } as const;
const matmulBindings = { ...matvecBindings, step: "uniform" } as const;

const matvecLanes = forEveryFormat((format: WeightFormat) =>
  defineKernel({
    name: `matvec_${format}`,
    source: [...weightSource(format), storeQuadWgsl, matvecWgsl],
    bindings: matvecBindings,
    constants: ["LANES", "WORKGROUP"],
  }),
);

const matvecSubgroup = forEveryFormat((format: WeightFormat) =>
  defineKernel({
    name: `matvec_subgroup_${format}`,
    source: [shuffledWgsl, ...weightSource(format), storeQuadWgsl, matvecSubgroupWgsl],
    bindings: matvecBindings,
    constants: ["WORKGROUP"],
  }),
);

const matmulDirect = forEveryFormat((format: WeightFormat) =>
  defineKernel({
    name: `matmul_${format}`,
    source: [directWgsl, stepWgsl, ...weightSource(format), storeQuadWgsl, matmulWgsl],
    bindings: matmulBindings,
    constants: ["WORKGROUP"],
  }),
);

const matmulSubgroup = forEveryFormat((format: WeightFormat) =>
  defineKernel({
    name: `matmul_subgroup_${format}`,
    source: [shuffledWgsl, stepWgsl, ...weightSource(format), storeQuadWgsl, matmulWgsl],
    bindings: matmulBindings,
    constants: ["WORKGROUP"],
  }),
);
