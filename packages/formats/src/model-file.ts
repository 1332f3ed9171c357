/** What every file format is parsed into: metadata and a table of tensors, each a range of the file's bytes. */
export interface ModelFile {
  readonly format: "gguf";
  readonly version: number;
  readonly size: number;
  readonly metadata: Metadata;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
}

export type Metadata = ReadonlyMap<string, MetadataValue>;

/** 64-bit integers are numbers where exact, bigints beyond 2^53; numeric arrays are typed arrays, bool arrays are Uint8Array of 0 and 1. */
export type MetadataValue = number | bigint | boolean | string | MetadataArray;
export type MetadataArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array
  | readonly string[]
  | readonly MetadataArray[];

export type TensorType = "F32" | "F16" | "BF16" | "Q4_0" | "Q4_1" | "Q5_0" | "Q5_1" | "Q8_0" | "Q2_K" | "Q3_K" | "Q4_K" | "Q5_K" | "Q6_K";

export interface TensorInfo {
  readonly name: string;
  readonly type: TensorType;
  /** Row-major, slowest first: a weight matrix is [rows, columns] and each row is one contiguous run of blocks. (GGUF stores the reverse.) */
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}
