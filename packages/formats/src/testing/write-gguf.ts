import type { ValueType } from "../gguf-types.ts";
import { TENSOR_TYPE_IDS, VALUE_TYPES } from "../gguf-types.ts";
import type { TensorType } from "../model-file.ts";

type ScalarType = Exclude<ValueType, "array">;
/** "uint32", or an array of it "uint32[]", or an array of arrays "uint32[][]". */
export type WrittenType = ScalarType | `${ScalarType}[]` | `${ScalarType}[][]`;
type Scalar = number | bigint | boolean | string;
type WrittenValue = Scalar | readonly WrittenValue[] | Iterable<number>;
export type MetadataEntry = readonly [key: string, type: WrittenType, value: WrittenValue];

export interface WrittenTensor {
  name: string;
  type: TensorType;
  /** Row-major, slowest first; the file gets the reverse. */
  shape: readonly number[];
  /** The tensor's bytes, as `quantise` makes them. */
  data: Uint8Array;
}

export interface GgufContents {
  /** 3 unless told. */
  version?: number;
  /** 32 unless told; another one also writes `general.alignment`. */
  alignment?: number;
  metadata?: readonly MetadataEntry[];
  tensors?: readonly WrittenTensor[];
}

/** What a run of bytes in the header is, so that a test can change just that. */
export type FieldKind =
  | "magic"
  | "version"
  | "tensor count"
  | "metadata count"
  | "string length"
  | "string"
  | "value type"
  | "value"
  | "array type"
  | "array length"
  | "dimension count"
  | "dimension"
  | "tensor type"
  | "tensor offset";

export interface Field {
  kind: FieldKind;
  offset: number;
  length: number;
}

/** A complete GGUF file (version 2 or 3: their bytes differ in the version alone). */
export function writeGguf(contents: GgufContents): Uint8Array<ArrayBuffer> {
  return layoutGguf(contents).bytes;
}

/** A complete GGUF file, and where each field of its header is. */
export function layoutGguf({ version = 3, alignment = 32, metadata = [], tensors = [] }: GgufContents): {
  bytes: Uint8Array<ArrayBuffer>;
  fields: Field[];
} {
  const out = new FieldWriter();
  const entries: readonly MetadataEntry[] = alignment === 32 ? metadata : [["general.alignment", "uint32", alignment], ...metadata];
  out.bytes("magic", new TextEncoder().encode("GGUF"));
  out.u32("version", version);
  out.u64("tensor count", tensors.length);
  out.u64("metadata count", entries.length);
  for (const [key, type, value] of entries) {
    out.string(key);
    const [scalar, depth] = splitType(type);
    out.u32("value type", VALUE_TYPES.indexOf(depth > 0 ? "array" : scalar));
    writeValue(out, scalar, depth, value);
  }
  let offset = 0;
  for (const { name, type, shape, data } of tensors) {
    out.string(name);
    out.u32("dimension count", shape.length);
    for (const dimension of shape.toReversed()) out.u64("dimension", dimension);
    out.u32("tensor type", TENSOR_TYPE_IDS[type]);
    out.u64("tensor offset", offset);
    offset = align(offset + data.length, alignment);
  }
  const header = out.finish();
  const start = align(header.length, alignment);
  const bytes = new Uint8Array(tensors.length > 0 ? start + offset : header.length);
  bytes.set(header);
  let at = start;
  for (const { data } of tensors) {
    bytes.set(data, at);
    at = align(at + data.length, alignment);
  }
  return { bytes, fields: out.fields };
}

function splitType(type: WrittenType): [scalar: ScalarType, depth: number] {
  const name = type.replaceAll("[]", "");
  const scalar = VALUE_TYPES.find((known) => known === name);
  if (scalar === undefined || scalar === "array") throw new RangeError(`${type} is not a type of GGUF`);
  return [scalar, (type.length - name.length) / 2];
}

function writeValue(out: FieldWriter, scalar: ScalarType, depth: number, value: WrittenValue): void {
  if (depth === 0) {
    if (typeof value === "object") throw new TypeError(`An array was given for a ${scalar}`);
    writeScalars(out, scalar, [value]);
    return;
  }
  if (typeof value !== "object") throw new TypeError(`${String(value)} was given for an array of ${scalar}`);
  const elements: readonly WrittenValue[] = Array.isArray(value) ? value : Array.from(value as Iterable<number>);
  out.u32("array type", VALUE_TYPES.indexOf(depth > 1 ? "array" : scalar));
  out.u64("array length", elements.length);
  if (depth === 1) writeScalars(out, scalar, elements as readonly Scalar[]);
  else for (const element of elements) writeValue(out, scalar, depth - 1, element);
}

/** Typed arrays have the machine's byte order, which is the file's wherever JavaScript runs today. */
const ENCODERS: Readonly<Record<Exclude<ScalarType, "string">, (values: readonly Scalar[]) => ArrayBufferView<ArrayBuffer>>> = {
  uint8: (values) => Uint8Array.from(values, Number),
  int8: (values) => Int8Array.from(values, Number),
  bool: (values) => Uint8Array.from(values, Number),
  uint16: (values) => Uint16Array.from(values, Number),
  int16: (values) => Int16Array.from(values, Number),
  uint32: (values) => Uint32Array.from(values, Number),
  int32: (values) => Int32Array.from(values, Number),
  float32: (values) => Float32Array.from(values, Number),
  uint64: (values) => BigUint64Array.from(values, BigInt),
  int64: (values) => BigInt64Array.from(values, BigInt),
  float64: (values) => Float64Array.from(values, Number),
};

function writeScalars(out: FieldWriter, type: ScalarType, values: readonly Scalar[]): void {
  if (type === "string") for (const value of values) out.string(String(value));
  else out.bytes("value", new Uint8Array(ENCODERS[type](values).buffer));
}

function align(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

class FieldWriter {
  readonly fields: Field[] = [];
  #bytes = new Uint8Array(4096);
  #length = 0;

  bytes(kind: FieldKind, bytes: Uint8Array): void {
    this.fields.push({ kind, offset: this.#length, length: bytes.length });
    while (this.#length + bytes.length > this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#bytes.length);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  u32(kind: FieldKind, value: number): void {
    this.bytes(kind, new Uint8Array(Uint32Array.of(value).buffer));
  }

  u64(kind: FieldKind, value: number): void {
    this.bytes(kind, new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u64("string length", bytes.length);
    this.bytes("string", bytes);
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
