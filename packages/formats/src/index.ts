export { BLOCKS, TENSOR_TYPES, rowByteLength, tensorByteLength } from "./blocks.ts";
export type { BlockLayout } from "./blocks.ts";
export { dequantise } from "./dequantise.ts";
export { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "./f16.ts";
export type { Metadata, MetadataArray, MetadataValue, ModelFile, TensorInfo, TensorType } from "./model-file.ts";
export type { ByteSource } from "./source.ts";
