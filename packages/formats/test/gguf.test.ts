import { existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BlobSource, BytesSource, metadataToJson, parseGguf, readNumber, readNumbers, readString, readStrings } from "../src/index.ts";
import type { ByteSource } from "../src/index.ts";
import { createRandom, quantise, tinyModel, writeGguf } from "../src/testing/index.ts";
import type { MetadataEntry, WrittenTensor } from "../src/testing/index.ts";

interface Recorded {
  version: number;
  metadata: Record<string, unknown>;
  tensors: { name: string; type: string; shape: number[]; offset: number; byteLength: number; first: number[] }[];
}

const FIXTURES = new URL("fixtures/", import.meta.url);
const REAL_MODEL = process.env["LONGTAB_MODEL"] ?? join(homedir(), ".cache/longtab/models/SmolLM2-135M-Instruct.Q4_1.gguf");

const METADATA: MetadataEntry[] = [
  ["general.architecture", "string", "llama"],
  ["uint8", "uint8", 200],
  ["int8", "int8", -100],
  ["uint16", "uint16", 60_000],
  ["int16", "int16", -30_000],
  ["uint32", "uint32", 4e9],
  ["int32", "int32", -2e9],
  ["uint64", "uint64", 2n ** 64n - 1n],
  ["int64", "int64", -5],
  ["float32", "float32", 0.5],
  ["float64", "float64", 0.1],
  ["bool", "bool", true],
  ["strings", "string[]", ["", "Ġ", "日本"]],
  ["int32s", "int32[]", [1, -2]],
  ["bools", "bool[]", [true, false]],
  ["nested", "uint16[][]", [[1, 2], [], [3]]],
];

function someTensors(): WrittenTensor[] {
  const random = createRandom(4);
  return [
    { name: "norm", type: "F32", shape: [7], data: quantise("F32", random.normals(7)) },
    { name: "matrix", type: "Q4_1", shape: [3, 64], data: quantise("Q4_1", random.normals(192)) },
    { name: "cube", type: "F16", shape: [2, 3, 5], data: quantise("F16", random.normals(30)) },
  ];
}

/** A file on disk, read range by range. */
class DiskSource implements ByteSource {
  readonly size: number;
  bytesRead = 0;
  largestRead = 0;
  readonly #file: number;

  constructor(path: string) {
    this.size = statSync(path).size;
    this.#file = openSync(path, "r");
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    readSync(this.#file, bytes, 0, length, offset);
    this.bytesRead += length;
    this.largestRead = Math.max(this.largestRead, length);
    return bytes;
  }
}

describe("parseGguf", () => {
  it.each([2, 3])("parses version %i files", async (version) => {
    const tensors = someTensors();
    const bytes = writeGguf({ version, metadata: METADATA, tensors });
    const file = await parseGguf(new BytesSource(bytes));
    expect(file).toMatchObject({ format: "gguf", version, size: bytes.length });
    expect(metadataToJson(file.metadata)).toMatchInlineSnapshot(`
      {
        "bool": true,
        "bools": [
          1,
          0,
        ],
        "float32": 0.5,
        "float64": 0.1,
        "general.architecture": "llama",
        "int16": -30000,
        "int32": -2000000000,
        "int32s": [
          1,
          -2,
        ],
        "int64": -5,
        "int8": -100,
        "nested": [
          [
            1,
            2,
          ],
          [],
          [
            3,
          ],
        ],
        "strings": [
          "",
          "Ġ",
          "日本",
        ],
        "uint16": 60000,
        "uint32": 4000000000,
        "uint64": "18446744073709551615",
        "uint8": 200,
      }
    `);
    expect([...file.tensors.values()].map(({ name, type, shape }) => ({ name, type, shape }))).toEqual(
      tensors.map(({ name, type, shape }) => ({ name, type, shape })),
    );
    for (const { name, data } of tensors) {
      const { offset, byteLength } = file.tensors.get(name) ?? { offset: 0, byteLength: 0 };
      expect(bytes.slice(offset, offset + byteLength)).toEqual(data);
    }
  });

  it.each([8, 64, 4096])("honours an alignment of %i", async (alignment) => {
    const tensors = someTensors();
    const bytes = writeGguf({ alignment, metadata: METADATA, tensors });
    const file = await parseGguf(new BytesSource(bytes));
    const matrix = file.tensors.get("matrix");
    expect((matrix?.offset ?? NaN) % alignment).toBe(0);
    expect(bytes.slice(matrix?.offset, (matrix?.offset ?? 0) + (matrix?.byteLength ?? 0))).toEqual(tensors[1]?.data);
  });

  it("parses a file without tensors, as vocabularies are published, and one without metadata", async () => {
    expect((await parseGguf(new BytesSource(writeGguf({ metadata: METADATA })))).tensors.size).toBe(0);
    expect((await parseGguf(new BytesSource(writeGguf({ tensors: someTensors() })))).metadata.size).toBe(0);
  });

  it("accepts a last tensor without padding after it", async () => {
    const tensor: WrittenTensor = { name: "norm", type: "F32", shape: [7], data: quantise("F32", new Float32Array(7)) };
    const bytes = writeGguf({ tensors: [tensor] });
    expect((await parseGguf(new BytesSource(bytes.slice(0, -4)))).tensors.get("norm")?.byteLength).toBe(28);
  });

  it("keeps NUL and a byte order mark in string values", async () => {
    const file = await parseGguf(new BytesSource(writeGguf({ metadata: [["strings", "string[]", ["a\0b", "\ufeffc", "\0"]]] })));
    expect(readStrings(file.metadata, "strings")).toEqual(["a\0b", "\ufeffc", "\0"]);
  });

  it("reads from a Blob", async () => {
    const bytes = tinyModel();
    const [fromBlob, fromBytes] = await Promise.all([parseGguf(new BlobSource(new Blob([bytes]))), parseGguf(new BytesSource(bytes))]);
    expect(fromBlob).toEqual(fromBytes);
  });

  it("keeps values that are larger than its window, and values across the window's end", { timeout: 60_000 }, async () => {
    const random = createRandom(12);
    const long = "long ".repeat(2 ** 20);
    const numbers = Float64Array.from({ length: 550_000 }, () => random.next());
    const words = Array.from({ length: 30_000 }, (_, id) => `word ${id} ${"é".repeat(random.integer(9))}`);
    const file = await parseGguf(
      new BytesSource(
        writeGguf({
          metadata: [
            ["words", "string[]", words],
            ["long", "string", long],
            ["numbers", "float64[]", numbers],
            ["after", "uint8", 7],
          ],
        }),
      ),
    );
    expect(readStrings(file.metadata, "words")).toEqual(words);
    expect(readString(file.metadata, "long") === long).toBe(true);
    expect(readNumbers(file.metadata, "numbers").every((number, index) => number === numbers[index])).toBe(true);
    expect(readNumber(file.metadata, "after")).toBe(7);
  });

  it("agrees with the Python package gguf on a file which that wrote", async () => {
    const bytes = new Uint8Array(readFileSync(new URL("written-by-python.gguf", FIXTURES)));
    const recorded = JSON.parse(readFileSync(new URL("written-by-python.json", FIXTURES), "utf8")) as Recorded;
    const file = await parseGguf(new BytesSource(bytes));
    const metadata = metadataToJson(file.metadata);
    // Arrays of truth values are kept as bytes.
    expect(metadata["test.bools"]).toEqual([1, 0, 1]);
    expect({ ...metadata, "test.bools": [true, false, true] }).toEqual(recorded.metadata);
    expect([...file.tensors.values()]).toEqual(
      recorded.tensors.map(({ name, type, shape, offset, byteLength }) => ({ name, type, shape, offset, byteLength })),
    );
    for (const { offset, first } of recorded.tensors) expect([...bytes.subarray(offset, offset + 8)]).toEqual(first);
  });

  // The model is fetched once into a cache and is not part of the repository.
  it.runIf(existsSync(REAL_MODEL))("parses SmolLM2-135M-Instruct from less than 4 MiB of its 94 MiB", async () => {
    const source = new DiskSource(REAL_MODEL);
    const { metadata, tensors, version } = await parseGguf(source);
    expect(version).toBe(3);
    expect(metadata.size).toBe(33);
    expect(metadataToJson(metadata, { maxArray: 3 })).toMatchObject({
      "general.architecture": "llama",
      "llama.block_count": 30,
      "llama.embedding_length": 576,
      "llama.rope.freq_base": 100_000,
      "tokenizer.ggml.tokens": { length: 49_152, first: ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] },
      "tokenizer.ggml.merges": { length: 48_900, first: ["Ġ t", "Ġ a", "i n"] },
    });
    expect(readNumbers(metadata, "tokenizer.ggml.token_type")).toHaveLength(49_152);
    expect(tensors.size).toBe(272);
    expect(tensors.get("token_embd.weight")).toEqual({
      name: "token_embd.weight",
      type: "Q8_0",
      shape: [49_152, 576],
      offset: 1_785_664,
      byteLength: 30_081_024,
    });
    expect(tensors.get("blk.0.ffn_down.weight")).toMatchObject({
      type: "Q4_1",
      shape: [576, 1536],
      offset: 31_868_992,
      byteLength: 552_960,
    });
    const last = tensors.get("output_norm.weight");
    expect((last?.offset ?? 0) + (last?.byteLength ?? 0)).toBe(source.size);
    expect(source.bytesRead).toBeLessThan(4 * 2 ** 20);
    expect(source.largestRead).toBeLessThanOrEqual(4 * 2 ** 20);
  });
});
