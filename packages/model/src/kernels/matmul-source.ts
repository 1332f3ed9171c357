import commonWgsl from "../../../../shaders/lib/weight_common.wgsl?raw";
import bf16Wgsl from "../../../../shaders/lib/weight_quants_bf16.wgsl?raw";
import bytesWgsl from "../../../../shaders/lib/weight_quants_bytes.wgsl?raw";
import f16Wgsl from "../../../../shaders/lib/weight_quants_f16.wgsl?raw";
import f32Wgsl from "../../../../shaders/lib/weight_quants_f32.wgsl?raw";
import nibblesWgsl from "../../../../shaders/lib/weight_quants_nibbles.wgsl?raw";
import blockWgsl from "../../../../shaders/lib/weight_scales_block.wgsl?raw";
import group16Wgsl from "../../../../shaders/lib/weight_scales_group16.wgsl?raw";
import group32Wgsl from "../../../../shaders/lib/weight_scales_group32.wgsl?raw";
import noneWgsl from "../../../../shaders/lib/weight_scales_none.wgsl?raw";
import type { QuantLayout, ScaleLayout, WeightFormat } from "../weights/format.ts";
import { FORMATS, WEIGHT_FORMATS } from "../weights/format.ts";

const quantLayouts: Readonly<Record<QuantLayout, string>> = {
  nibbles: nibblesWgsl,
  bytes: bytesWgsl,
  f16: f16Wgsl,
  bf16: bf16Wgsl,
  f32: f32Wgsl,
};
const scaleLayouts: Readonly<Record<ScaleLayout, string>> = {
  block: blockWgsl,
  group32: group32Wgsl,
  group16: group16Wgsl,
  none: noneWgsl,
};

/** The libraries through which a kernel reads weights of a format. */
export function weightSource(format: WeightFormat): readonly string[] {
  const { quants, scales } = FORMATS[format];
  return [commonWgsl, quantLayouts[quants], scaleLayouts[scales]];
}

/** One kernel for each format: they differ in source alone. */
export function forEveryFormat<Kernel>(define: (format: WeightFormat) => Kernel): Readonly<Record<WeightFormat, Kernel>> {
  return Object.fromEntries(WEIGHT_FORMATS.map((format) => [format, define(format)])) as Record<WeightFormat, Kernel>;
}
