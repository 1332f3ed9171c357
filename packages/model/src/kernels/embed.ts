import type { Step, StorageBinding, UniformSlot } from "@longtab/gpu";
import { defineKernel } from "@longtab/gpu";
import embedWgsl from "../../../../shaders/embed.wgsl?raw";
import stepWgsl from "../../../../shaders/lib/step.wgsl?raw";
import type { WeightFormat } from "../weights/format.ts";
import type { Weight } from "../weights/weight.ts";
import { forEveryFormat, weightSource } from "./matmul-source.ts";

export interface EmbedArguments {
  /** [V, D]. */
  table: Weight;
  /** u32 ids of the whole timeline: row t of the step is id `position + t`. */
  ids: StorageBinding;
  /** f32 [rows, D]. */
  y: StorageBinding;
  /** Tokens of the step. */
  rows: number;
  /** The step's uniform (shaders/lib/step.wgsl). */
  step: UniformSlot;
}

/** Rows of the table by token id, as f32. Ids beyond the vocabulary take its last row. One dispatch a shard. */
export function embed(step: Step, { table, ids, y, rows, step: uniform }: EmbedArguments): void {
  const workgroups = [Math.ceil(table.columns / 32 / workgroupSize), rows] as const;
  for (const { format, quants, scales, uniform: shard } of table.shards) {
    step.run(embedKernels[format], { quants, scales, ids, y, shard: { buffer: shard, offset: 0 }, step: uniform }, {}, workgroups);
  }
}

/** Of embed.wgsl. */
const workgroupSize = 32;

const embedKernels = forEveryFormat((format: WeightFormat) =>
  defineKernel({
    name: `embed_${format}`,
    source: [stepWgsl, ...weightSource(format), embedWgsl],
    bindings: { quants: "read", scales: "read", ids: "read", y: "read_write", shard: "uniform", step: "uniform" },
    constants: [],
  }),
);
