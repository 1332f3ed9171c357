import type { TensorType } from "@longtab/formats";

/** How a weight's quants lie in the GPU's words: shaders/lib/weight_quants_*.wgsl. */
export type QuantLayout = "nibbles" | "bytes" | "f16" | "bf16" | "f32";
/** How its scales do: shaders/lib/weight_scales_*.wgsl. */
export type ScaleLayout = "block" | "group32" | "group16" | "none";

/**
 * A weight's layout on the GPU. Every type of a file becomes one of these without rounding:
 * `weight = scale * quant + minimum`, where the scales of a block are two f16, or products of a super-block's f16 and a group's small integer.
 */
export type WeightFormat =
  | "nibbles_block"
  | "nibbles_group32"
  | "nibbles_group16"
  | "bytes_block"
  | "bytes_group32"
  | "bytes_group16"
  | "f16_none"
  | "bf16_none"
  | "f32_none";

export interface FormatLayout {
  readonly quants: QuantLayout;
  readonly scales: ScaleLayout;
  /** Words of quants per block of 32 columns. */
  readonly quantWords: number;
  /** Columns that share `scaleWords` words of scales per row; 0 words where there are none. */
  readonly scaleColumns: number;
  readonly scaleWords: number;
}

export const FORMATS: Readonly<Record<WeightFormat, FormatLayout>> = {
  nibbles_block: { quants: "nibbles", scales: "block", quantWords: 4, scaleColumns: 32, scaleWords: 1 },
  nibbles_group32: { quants: "nibbles", scales: "group32", quantWords: 4, scaleColumns: 256, scaleWords: 5 },
  nibbles_group16: { quants: "nibbles", scales: "group16", quantWords: 4, scaleColumns: 256, scaleWords: 9 },
  bytes_block: { quants: "bytes", scales: "block", quantWords: 8, scaleColumns: 32, scaleWords: 1 },
  bytes_group32: { quants: "bytes", scales: "group32", quantWords: 8, scaleColumns: 256, scaleWords: 5 },
  bytes_group16: { quants: "bytes", scales: "group16", quantWords: 8, scaleColumns: 256, scaleWords: 9 },
  f16_none: { quants: "f16", scales: "none", quantWords: 16, scaleColumns: 32, scaleWords: 0 },
  bf16_none: { quants: "bf16", scales: "none", quantWords: 16, scaleColumns: 32, scaleWords: 0 },
  f32_none: { quants: "f32", scales: "none", quantWords: 32, scaleColumns: 32, scaleWords: 0 },
};

export const WEIGHT_FORMATS = Object.keys(FORMATS) as readonly WeightFormat[];

/**
 * The layout for a tensor type. Q5_K and Q6_K take a byte a weight: five and six bits do not divide a word, and splitting off the upper bits
 * would cost a third buffer and a load more per block.
 */
export const FORMAT_OF: Readonly<Record<TensorType, WeightFormat>> = {
  F32: "f32_none",
  F16: "f16_none",
  BF16: "bf16_none",
  Q4_0: "nibbles_block",
  Q4_1: "nibbles_block",
  Q5_0: "bytes_block",
  Q5_1: "bytes_block",
  Q8_0: "bytes_block",
  Q2_K: "nibbles_group16",
  Q3_K: "nibbles_group16",
  Q4_K: "nibbles_group32",
  Q5_K: "bytes_group32",
  Q6_K: "bytes_group16",
};
