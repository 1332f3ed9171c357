import { defineKernel } from "@longtab/gpu";
import siluMulSource from "../../../../shaders/silu_mul.wgsl?raw";

/** y = silu(gate) * up; workgroups [ceil(DIM / 64), tokens]. */
export const siluMul = defineKernel({
  name: "silu_mul",
  source: siluMulSource,
  bindings: { gate_up: "read", y: "read_write" },
  constants: ["DIM"],
});
