import { isLongtabError } from "@longtab/errors";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BLOCKS, parseGguf } from "../src/index.ts";
import type { ByteSource, MetadataValue, ModelFile } from "../src/index.ts";
import type { Field, FieldKind, Random, WrittenTensor } from "../src/testing/index.ts";
import { createRandom, layoutGguf, quantise } from "../src/testing/index.ts";

/*
 * Seeded mutations of small complete files. Whatever the bytes, parsing ends in a LongtabError of one of these codes or in a correct parse, soon, and
 * allocates nothing that the file's own size does not bound. LONGTAB_FUZZ=20000 runs more cases.
 */
const CASES = Number(process.env["LONGTAB_FUZZ"] ?? 2000);
const FIRST_SEED = 1;

const CODES = ["file-not-a-model", "file-truncated", "file-malformed", "file-limit", "unsupported-version", "unsupported-type"];

/** A case reads a header of some KiB: one window, and at most a few more when a mutation makes a string long. */
const MOST_READS = 8;
/** Many times what a case takes (well under a millisecond), so that a busy machine does not fail it, and a loop without end does. */
const MOST_MILLISECONDS = 5000;

const EDGES = [0n, 1n, 2n, 7n, 31n, 33n, 255n, 2n ** 16n, 2n ** 24n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 40n];
const WIDE_EDGES = [...EDGES, 2n ** 53n - 1n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 32n, 2n ** 64n - 1n];

interface Base {
  bytes: Uint8Array<ArrayBuffer>;
  fields: Field[];
  parsed: ModelFile;
  /** First byte of the tensor data. */
  dataStart: number;
}

function layout(version: number, alignment: number): { bytes: Uint8Array<ArrayBuffer>; fields: Field[] } {
  const random = createRandom(version);
  const tensor = (name: string, type: WrittenTensor["type"], rows: number, columns: number): WrittenTensor => ({
    name,
    type,
    shape: rows === 1 ? [columns] : [rows, columns],
    data: quantise(type, random.normals(rows * columns)),
  });
  return layoutGguf({
    version,
    alignment,
    metadata: [
      ["general.architecture", "string", "llama"],
      ["llama.block_count", "uint32", 2],
      ["llama.block_kount", "uint64", 2n ** 40n],
      ["float", "float32", 1e-5],
      ["flag", "bool", true],
      ["tokens", "string[]", ["<s>", "Ġt", "日本", "", "abc"]],
      ["scores", "float32[]", [0, -1, 2]],
      ["nested", "int16[][]", [[1, 2], [3]]],
      ["flags", "bool[]", [true, false]],
      ["template", "string", "{% for message in messages %}{{ message }}{% endfor %}"],
    ],
    tensors: [
      tensor("blk.0.attn_q.weight", "Q4_1", 4, 64),
      tensor("blk.0.attn_k.weight", "Q8_0", 2, 64),
      tensor("blk.0.norm.weight", "F32", 1, 9),
      tensor("blk.0.ffn.weight", "Q4_K", 2, 256),
      tensor("blk.1.attn_q.weight", "F16", 3, 5),
    ],
  });
}

async function makeBase(version: number, alignment: number): Promise<Base> {
  const { bytes, fields } = layout(version, alignment);
  const parsed = await parseGguf(new CountingSource(bytes));
  return { bytes, fields, parsed, dataStart: Math.min(...[...parsed.tensors.values()].map((tensor) => tensor.offset)) };
}

class CountingSource implements ByteSource {
  readonly size: number;
  reads = 0;
  bytesRead = 0;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.size = bytes.length;
    this.#bytes = bytes;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size))
      throw new Error(`A read of bytes ${offset} to ${offset + length} of ${this.size}`);
    this.reads += 1;
    this.bytesRead += length;
    return this.#bytes.slice(offset, offset + length);
  }
}

type Mutation = (bytes: Uint8Array<ArrayBuffer>, base: Base, random: Random) => Uint8Array<ArrayBuffer>;

function fieldsOf(base: Base, kinds: readonly FieldKind[]): Field[] {
  return base.fields.filter(({ kind }) => kinds.includes(kind));
}

function overwrite(bytes: Uint8Array<ArrayBuffer>, offset: number, replacement: Uint8Array): Uint8Array<ArrayBuffer> {
  bytes.set(replacement.subarray(0, Math.max(0, bytes.length - offset)), Math.min(offset, bytes.length));
  return bytes;
}

function littleEndian(value: bigint, length: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt.asUintN(64, value), true);
  return new Uint8Array(view.buffer, 0, length);
}

/** A number field of one of the kinds becomes an edge value, or moves by a little. */
function numberIn(...kinds: FieldKind[]): Mutation {
  return (bytes, base, random) => {
    const field = random.pick(fieldsOf(base, kinds));
    if (field.offset + field.length > bytes.length) return bytes;
    const view = new DataView(bytes.buffer, field.offset, field.length);
    const old = field.length === 8 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
    const value = random.next() < 0.4 ? old + BigInt(random.integer(65) - 32) : random.pick(field.length === 8 ? WIDE_EDGES : EDGES);
    return overwrite(bytes, field.offset, littleEndian(value, field.length));
  };
}

/** One field's bytes are copied over another of the same kind: duplicate keys and names, overlapping tensors, lengths of other strings. */
const copyField: Mutation = (bytes, base, random) => {
  const source = random.pick(base.fields);
  const target = random.pick(base.fields.filter(({ kind, length }) => kind === source.kind && length === source.length));
  return overwrite(bytes, target.offset, bytes.slice(source.offset, source.offset + source.length));
};

const MUTATIONS: readonly Mutation[] = [
  numberIn("metadata count", "tensor count"),
  numberIn("string length"),
  numberIn("array length"),
  numberIn("value type", "array type"),
  numberIn("dimension", "dimension count"),
  numberIn("tensor offset"),
  numberIn("tensor type"),
  numberIn("version"),
  copyField,
  copyField,
  // Bytes of a string that are not UTF-8, or NUL.
  (bytes, base, random) => {
    const { offset, length } = random.pick(fieldsOf(base, ["string"]).filter((field) => field.length > 0));
    return overwrite(bytes, offset + random.integer(length), Uint8Array.of(random.pick([0, 0x80, 0xc0, 0xed, 0xff])));
  },
  // Random bytes anywhere in the header.
  (bytes, base, random) => overwrite(bytes, random.integer(base.dataStart), random.bytes(1 + random.integer(8))),
  // A single bit of the header.
  (bytes, base, random) => {
    const offset = random.integer(Math.min(base.dataStart, bytes.length));
    return overwrite(bytes, offset, Uint8Array.of((bytes[offset] ?? 0) ^ (1 << random.integer(8))));
  },
  // Cut off: in the header, or anywhere.
  (bytes, base, random) => bytes.slice(0, random.integer(base.dataStart)),
  (bytes, _, random) => bytes.slice(0, random.integer(bytes.length + 1)),
  // Bytes put in and taken out, which shifts all that follows.
  (bytes, base, random) => splice(bytes, random.integer(base.dataStart), 0, random.bytes(1 + random.integer(12))),
  (bytes, base, random) => splice(bytes, random.integer(base.dataStart), 1 + random.integer(12), new Uint8Array()),
  // Nothing but noise after the magic.
  (bytes, _, random) => overwrite(bytes, random.pick([0, 4, 8]), random.bytes(200)),
];

/** Changes that a header's parse must not notice: the tensors' own bytes, and bytes after the last. */
const HARMLESS: readonly Mutation[] = [
  (bytes, base, random) =>
    overwrite(bytes, base.dataStart + random.integer(bytes.length - base.dataStart), random.bytes(1 + random.integer(64))),
  (bytes, _, random) => splice(bytes, bytes.length, 0, random.bytes(random.integer(100))),
];

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = Math.min(at, bytes.length);
  return Uint8Array.from([...bytes.subarray(0, start), ...insert, ...bytes.subarray(start + remove)]);
}

/** What a correct parse means; independent of the parser's own arithmetic. Returns what is wrong. */
function faults(file: ModelFile, size: number): string[] {
  const found: string[] = [];
  if (file.size !== size || (file.version !== 2 && file.version !== 3)) found.push("size or version");
  const tensors = [...file.tensors].toSorted(([, a], [, b]) => a.offset - b.offset);
  let end = 24;
  for (const [name, tensor] of tensors) {
    const { blockSize, blockBytes } = BLOCKS[tensor.type];
    const elements = tensor.shape.reduce((product, dimension) => product * BigInt(dimension), 1n);
    if (name !== tensor.name || name === "" || name.includes("\0")) found.push(`name ${name}`);
    if (tensor.shape.length < 1 || tensor.shape.length > 4 || elements < 1n) found.push(`shape of ${name}`);
    if ((tensor.shape.at(-1) ?? 0) % blockSize !== 0) found.push(`blocks of ${name}`);
    if (BigInt(tensor.byteLength) * BigInt(blockSize) !== elements * BigInt(blockBytes)) found.push(`bytes of ${name}`);
    if (!Number.isSafeInteger(tensor.offset) || tensor.offset % 8 !== 0 || tensor.offset < end) found.push(`offset of ${name}`);
    end = tensor.offset + tensor.byteLength;
  }
  if (end > Math.max(size, 24)) found.push("end of the last tensor");
  const held = [...file.metadata].reduce((sum, [key, value]) => sum + key.length + bytesOf(value), 0);
  if (held > size) found.push(`metadata of ${held} bytes`);
  return found;
}

/** At most the bytes that a value took in the file: UTF-8 never has fewer bytes than the string has units. */
function bytesOf(value: MetadataValue): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object") return 1;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  return value.reduce<number>((sum, element) => sum + 8 + bytesOf(element), 0);
}

/** The largest number of bytes that any array made by `new` in the parser was asked to have. */
let largestAllocation = 0;

/** Constructors that note the length they are called with. */
function watched<T extends new (...parameters: never[]) => object>(constructor: T, bytesPerElement: number): T {
  return new Proxy(constructor, {
    construct(target, parameters: unknown[], newTarget) {
      if (typeof parameters[0] === "number") largestAllocation = Math.max(largestAllocation, parameters[0] * bytesPerElement);
      return Reflect.construct(target, parameters, newTarget) as object;
    },
  });
}

describe(`${CASES} mutated files`, () => {
  beforeEach(() => {
    for (const type of [Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array, Float64Array]) {
      vi.stubGlobal(type.name, watched(type, type.BYTES_PER_ELEMENT));
    }
    vi.stubGlobal("BigUint64Array", watched(BigUint64Array, 8));
    vi.stubGlobal("BigInt64Array", watched(BigInt64Array, 8));
    vi.stubGlobal("ArrayBuffer", watched(ArrayBuffer, 1));
    vi.stubGlobal("Array", watched(Array, 8));
  });
  afterEach(() => vi.unstubAllGlobals());

  it(
    "each end in a typed error or a correct parse, within the file's own size",
    async () => {
      const bases = await Promise.all([makeBase(2, 32), makeBase(3, 32), makeBase(3, 64)]);
      const outcomes: Record<string, number> = {};
      for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed += 1) {
        const random = createRandom(seed);
        const bytes = mutate(random.pick(bases), MUTATIONS, random);
        const source = new CountingSource(bytes);
        largestAllocation = 0;
        const started = performance.now();
        const outcome = await parseOutcome(source, seed);
        if (performance.now() - started > MOST_MILLISECONDS) throw new Error(`seed ${seed} took too long`);
        if (source.reads > MOST_READS) throw new Error(`seed ${seed} made ${source.reads} reads`);
        if (source.bytesRead > 2 * bytes.length) throw new Error(`seed ${seed} read ${source.bytesRead} bytes of ${bytes.length}`);
        if (largestAllocation > bytes.length)
          throw new Error(`seed ${seed} allocated ${largestAllocation} bytes for a file of ${bytes.length}`);
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }
      // The mutations are of use only if they reach every kind of failure, and some survive.
      expect(Object.keys(outcomes).toSorted()).toEqual([...CODES, "parsed"].toSorted());
      for (const count of Object.values(outcomes)) expect(count).toBeGreaterThanOrEqual(CASES / 400);
    },
    60_000 + 10 * CASES,
  );

  it("parse the same when only tensors' own bytes change or bytes follow the last", { timeout: 60_000 }, async () => {
    const bases = await Promise.all([makeBase(2, 32), makeBase(3, 64)]);
    for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES / 20; seed += 1) {
      const random = createRandom(seed);
      const base = random.pick(bases);
      const bytes = mutate(base, HARMLESS, random);
      const file = await parseGguf(new CountingSource(bytes));
      expect(file, `seed ${seed}`).toEqual({ ...base.parsed, size: bytes.length });
    }
  });
});

/** One to three mutations of a copy of the base file. */
function mutate(base: Base, mutations: readonly Mutation[], random: Random): Uint8Array<ArrayBuffer> {
  let bytes = base.bytes.slice();
  for (let left = 1 + random.integer(3); left > 0; left -= 1) bytes = random.pick(mutations)(bytes, base, random);
  return bytes;
}

/** The code of the typed error, or "parsed"; throws when the error is not one of those, or the parse is not correct. */
async function parseOutcome(source: ByteSource, seed: number): Promise<string> {
  const result = await parseGguf(source).catch((error: unknown) => error as Error);
  if (!(result instanceof Error)) {
    const found = faults(result, source.size);
    if (found.length > 0) throw new Error(`seed ${seed} parsed wrongly: ${found.join(", ")}`);
    return "parsed";
  }
  if (!isLongtabError(result) || !CODES.includes(result.code)) throw new Error(`seed ${seed}`, { cause: result });
  if (result.remedy === undefined) throw new Error(`seed ${seed} says nothing of what to do`, { cause: result });
  return result.code;
}
