import { defineKernel } from "@longtab/gpu";
import stepLibrary from "../../../../shaders/lib/step.wgsl?raw";
import rmsNormSource from "../../../../shaders/rms_norm.wgsl?raw";

/** y = x / rms(x) * weight, row by row; one workgroup a row. LAST_ROW = 1: only the step's last row, into row 0. */
export const rmsNorm = defineKernel({
  name: "rms_norm",
  source: [stepLibrary, rmsNormSource],
  bindings: { step: "uniform", x: "read", weight: "read", y: "read_write" },
  constants: ["DIM", "EPS", "LAST_ROW"],
});
