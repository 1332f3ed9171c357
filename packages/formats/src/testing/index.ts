export { quantise } from "./quantise.ts";
export { createRandom } from "./random.ts";
export type { Random } from "./random.ts";
export { tinyModel } from "./tiny-model.ts";
export type { MatrixName, TinyModelOptions } from "./tiny-model.ts";
export { layoutGguf, writeGguf } from "./write-gguf.ts";
export type { Field, FieldKind, GgufContents, MetadataEntry, WrittenTensor, WrittenType } from "./write-gguf.ts";
