import type { LongtabError } from "@longtab/errors";
import type { ValueType } from "./gguf-types.ts";
import { VALUE_TYPES } from "./gguf-types.ts";
import type { HeaderReader } from "./header-reader.ts";
import { MAX_ARRAY_DEPTH, MAX_ARRAY_LENGTH, MAX_INNER_ARRAYS, MAX_KEY_BYTES, MAX_STRING_BYTES } from "./limits.ts";
import type { Metadata, MetadataArray, MetadataValue } from "./model-file.ts";
import { malformed, overLimit } from "./refusal.ts";

type NumberType = Exclude<ValueType, "string" | "array">;

interface NumberLayout {
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number | bigint | boolean;
  /** All of the buffer as an array. Typed arrays have the machine's byte order: little-endian wherever WebGPU runs. */
  readonly array: (buffer: ArrayBuffer) => Exclude<MetadataArray, readonly unknown[]>;
}

const NUMBERS: Readonly<Record<NumberType, NumberLayout>> = {
  uint8: { bytes: 1, read: (view, at) => view.getUint8(at), array: (buffer) => new Uint8Array(buffer) },
  int8: { bytes: 1, read: (view, at) => view.getInt8(at), array: (buffer) => new Int8Array(buffer) },
  bool: { bytes: 1, read: (view, at) => view.getUint8(at) === 1, array: (buffer) => new Uint8Array(buffer) },
  uint16: { bytes: 2, read: (view, at) => view.getUint16(at, true), array: (buffer) => new Uint16Array(buffer) },
  int16: { bytes: 2, read: (view, at) => view.getInt16(at, true), array: (buffer) => new Int16Array(buffer) },
  uint32: { bytes: 4, read: (view, at) => view.getUint32(at, true), array: (buffer) => new Uint32Array(buffer) },
  int32: { bytes: 4, read: (view, at) => view.getInt32(at, true), array: (buffer) => new Int32Array(buffer) },
  float32: { bytes: 4, read: (view, at) => view.getFloat32(at, true), array: (buffer) => new Float32Array(buffer) },
  uint64: { bytes: 8, read: (view, at) => narrow(view.getBigUint64(at, true)), array: (buffer) => new BigUint64Array(buffer) },
  int64: { bytes: 8, read: (view, at) => narrow(view.getBigInt64(at, true)), array: (buffer) => new BigInt64Array(buffer) },
  float64: { bytes: 8, read: (view, at) => view.getFloat64(at, true), array: (buffer) => new Float64Array(buffer) },
};

/** The least bytes of one element of an array: a string has its length, an array its type and length. */
const LEAST_STRING_BYTES = 8;
const LEAST_ARRAY_BYTES = 12;

/** Characters of a key that messages show: real keys have at most 60. */
const SHOWN_CHARACTERS = 80;

/** `count` entries of key, type, value. */
export async function readMetadata(reader: HeaderReader, count: number): Promise<Metadata> {
  const metadata = new Map<string, MetadataValue>();
  const values = new ValueReader(reader);
  for (let entry = 0; entry < count; entry += 1) {
    reader.place = `metadata entry ${entry + 1} of ${count}`;
    const key = await reader.string(MAX_KEY_BYTES);
    checkName(key, "metadata key");
    reader.place = `metadata key ${key.slice(0, SHOWN_CHARACTERS)}`;
    if (metadata.has(key)) throw malformed(`The file has this key twice: ${reader.place}`);
    metadata.set(key, await values.read());
  }
  return metadata;
}

/** Keys and tensor names are compared with C strings elsewhere: empty ones and ones with NUL would be taken for others. */
export function checkName(name: string, what: string): void {
  if (name === "" || name.includes("\0")) {
    throw malformed(`A ${what} is empty or has a NUL character`, JSON.stringify(name.slice(0, SHOWN_CHARACTERS)));
  }
}

class ValueReader {
  readonly #reader: HeaderReader;
  #innerArrays = 0;

  constructor(reader: HeaderReader) {
    this.#reader = reader;
  }

  async read(): Promise<MetadataValue> {
    const type = await this.#type();
    if (type === "string") return this.#reader.string(MAX_STRING_BYTES);
    if (type === "array") return this.#array(1);
    const { bytes, read } = NUMBERS[type];
    const { view, at } = await this.#reader.take(bytes);
    if (type === "bool") this.#checkBools(view.getUint8(at));
    return read(view, at);
  }

  async #array(depth: number): Promise<MetadataArray> {
    const reader = this.#reader;
    if (depth > MAX_ARRAY_DEPTH) throw this.#limit("Arrays are nested too deeply", depth, MAX_ARRAY_DEPTH);
    const type = await this.#type();
    const length = await reader.u64();
    if (length > MAX_ARRAY_LENGTH) throw this.#limit("An array is too long", length, MAX_ARRAY_LENGTH);
    if (type === "string") return this.#strings(length);
    if (type === "array") return this.#arrays(length, depth);
    const { bytes, array } = NUMBERS[type];
    reader.expect(length, bytes);
    const data = await reader.bytes(length * bytes);
    if (type === "bool") for (const byte of data) this.#checkBools(byte);
    return array(data.buffer);
  }

  async #strings(length: number): Promise<readonly string[]> {
    this.#reader.expect(length, LEAST_STRING_BYTES);
    const strings: string[] = [];
    while (strings.length < length) strings.push(this.#reader.bufferedString() ?? (await this.#reader.string(MAX_STRING_BYTES)));
    return strings;
  }

  async #arrays(length: number, depth: number): Promise<readonly MetadataArray[]> {
    this.#reader.expect(length, LEAST_ARRAY_BYTES);
    this.#innerArrays += length;
    if (this.#innerArrays > MAX_INNER_ARRAYS)
      throw this.#limit("The file has too many arrays in arrays", this.#innerArrays, MAX_INNER_ARRAYS);
    const arrays: MetadataArray[] = [];
    while (arrays.length < length) arrays.push(await this.#array(depth + 1));
    return arrays;
  }

  async #type(): Promise<ValueType> {
    const id = await this.#reader.u32();
    const type = VALUE_TYPES[id];
    if (type === undefined) throw this.#malformed("A value has an unknown type", id);
    return type;
  }

  #checkBools(byte: number): void {
    if (byte > 1) throw this.#malformed("A truth value is neither 0 nor 1", byte);
  }

  #malformed(what: string, value: number): LongtabError {
    return malformed(`${what}: ${this.#reader.place}`, value);
  }

  #limit(what: string, value: number, limit: number): LongtabError {
    return overLimit(`${what}: ${this.#reader.place}`, value, limit);
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
