export type { ByteSource } from "./source.ts";
export type { Metadata, MetadataArray, MetadataValue, ModelFile, TensorInfo, TensorType } from "./model-file.ts";
