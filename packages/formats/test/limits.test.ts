import { LongtabError } from "@longtab/errors";
import { describe, expect, it } from "vitest";
import { BytesSource, parseGguf } from "../src/index.ts";
import type { ByteSource } from "../src/index.ts";
import type { Field, GgufContents, WrittenTensor } from "../src/testing/index.ts";
import { createRandom, layoutGguf, quantise, writeGguf } from "../src/testing/index.ts";

const CONTENTS: GgufContents = {
  metadata: [
    ["general.architecture", "string", "llama"],
    ["numbers", "uint32[]", [1, 2, 3]],
    ["flag", "bool", true],
  ],
  tensors: [tensor("first", "F32", [8]), tensor("second", "Q4_1", [2, 64]), tensor("third", "F32", [4, 2])],
};

function tensor(name: string, type: WrittenTensor["type"], shape: number[]): WrittenTensor {
  const elements = shape.reduce((product, size) => product * size, 1);
  return { name, type, shape, data: quantise(type, createRandom(1).normals(elements)) };
}

/** The error's code and message; a parse that succeeds fails the test. */
async function failure(bytes: Uint8Array<ArrayBuffer> | ByteSource): Promise<string> {
  try {
    await parseGguf(bytes instanceof Uint8Array ? new BytesSource(bytes) : bytes);
  } catch (error) {
    if (error instanceof LongtabError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error("The file was parsed");
}

/** The contents as a file with the `index`th field of a kind overwritten by a number. */
function edited(kind: Field["kind"], index: number, value: number | bigint, contents = CONTENTS): Uint8Array<ArrayBuffer> {
  const { bytes, fields } = layoutGguf(contents);
  const field = fields.filter((each) => each.kind === kind)[index];
  if (field === undefined) throw new Error(`There is no ${kind} ${index}`);
  const view = new DataView(bytes.buffer);
  if (field.length === 8) view.setBigUint64(field.offset, BigInt(value), true);
  else if (field.length === 4) view.setUint32(field.offset, Number(value), true);
  else view.setUint8(field.offset, Number(value));
  return bytes;
}

/** Pieces of a large file, zeros between them; nothing is held for the zeros. */
function sparse(size: number, pieces: readonly (readonly [offset: number, bytes: Uint8Array])[]): ByteSource {
  return {
    size,
    read: async (offset, length) => {
      const bytes = new Uint8Array(length);
      for (const [start, piece] of pieces) {
        const from = Math.max(start, offset);
        const to = Math.min(start + piece.length, offset + length);
        if (from < to) bytes.set(piece.subarray(from - start, to - start), from - offset);
      }
      return bytes;
    },
  };
}

const text = (content: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(content);

describe("a file that is not a model", () => {
  it.each([
    ["an empty file", "", "file-not-a-model: The file is empty. Download it again."],
    ["a text", "Once upon a time", "file-not-a-model: The file is not a GGUF model. Choose a .gguf file."],
    ["three bytes of the magic", "GGU", "file-not-a-model: The file is not a GGUF model. Choose a .gguf file."],
  ])("is %s", async (_, content, message) => {
    expect(await failure(text(content))).toBe(message);
  });

  it("is called what it is", async () => {
    const strangers = ["version https://git-lfs.github.com/spec/v1\noid", "<!doctype html>", "PK\u0003\u0004", "tjgg\u0001"];
    expect(await Promise.all(strangers.map((content) => failure(text(content))))).toMatchInlineSnapshot(`
      [
        "file-not-a-model: The file is not a GGUF model: it is a Git LFS pointer, not the model that it points to. Fetch the file itself with git lfs pull or from the model's page.",
        "file-not-a-model: The file is not a GGUF model: it is a web page. Check the address: the server answered with a page instead of the model.",
        "file-not-a-model: The file is not a GGUF model: it is a zip archive, perhaps a PyTorch checkpoint. Choose the model's .gguf file.",
        "file-not-a-model: The file is not a GGUF model: it is in the GGML format that came before GGUF. Download a current .gguf file of the model.",
      ]
    `);
  });
});

describe("a version", () => {
  it.each([0, 1, 4, 77])("of %i is refused", async (version) => {
    expect(await failure(writeGguf({ version }))).toBe(
      `unsupported-version: GGUF versions 2 and 3 can be read (found version ${version}). Download a current .gguf file of the model.`,
    );
  });

  it("of the other byte order is refused", async () => {
    expect(await failure(writeGguf({ version: 0x03000000 }))).toMatchInlineSnapshot(
      `"unsupported-version: The file is a big-endian GGUF; only little-endian ones can be read. Download a current .gguf file of the model."`,
    );
  });
});

describe("counts", () => {
  it("of metadata entries have a limit", async () => {
    expect(await failure(edited("metadata count", 0, 16_385))).toMatchInlineSnapshot(
      `"file-limit: The file claims too many metadata entries (found 16385, limit 16384). Download the file again, or take one from another source."`,
    );
  });

  it("of tensors have a limit", async () => {
    expect(await failure(edited("tensor count", 0, 2n ** 64n - 1n))).toMatchInlineSnapshot(
      `"file-limit: The file claims too many tensors (found 18446744073709552000, limit 65536). Download the file again, or take one from another source."`,
    );
  });

  it("beyond what the file can hold are refused before anything is read", async () => {
    expect(await failure(edited("metadata count", 0, 16_000))).toMatchInlineSnapshot(
      `"file-truncated: The file ends inside its header of 16000 metadata entries and 3 tensors, which needs at least 224123 bytes (found 448 bytes). Download the file again."`,
    );
    expect(await failure(edited("tensor count", 0, 60_000))).toMatchInlineSnapshot(
      `"file-truncated: The file ends inside its header of 3 metadata entries and 60000 tensors, which needs at least 1980066 bytes (found 448 bytes). Download the file again."`,
    );
  });
});

describe("metadata", () => {
  it("keys have a limit of length", async () => {
    expect(await failure(edited("string length", 0, 65_536))).toMatchInlineSnapshot(
      `"file-limit: A string is too long: metadata entry 1 of 3 (found 65536 bytes, limit 65535). Download the file again, or take one from another source."`,
    );
  });

  it("strings have a limit of length", async () => {
    expect(await failure(edited("string length", 1, 2 ** 26 + 1))).toMatchInlineSnapshot(
      `"file-limit: A string is too long: metadata key general.architecture (found 67108865 bytes, limit 67108864). Download the file again, or take one from another source."`,
    );
  });

  it("strings that the file cannot hold are refused", async () => {
    expect(await failure(edited("string length", 1, 2 ** 26))).toMatchInlineSnapshot(
      `"file-truncated: The file ends inside metadata key general.architecture, which needs at least 67108928 bytes (found 448 bytes). Download the file again."`,
    );
  });

  it("arrays have a limit of length", async () => {
    expect(await failure(edited("array length", 0, 2n ** 40n))).toMatchInlineSnapshot(
      `"file-limit: An array is too long: metadata key numbers (found 1099511627776, limit 4194304). Download the file again, or take one from another source."`,
    );
  });

  it("arrays that the file cannot hold are refused", async () => {
    expect(await failure(edited("array length", 0, 2 ** 22))).toMatchInlineSnapshot(
      `"file-truncated: The file ends inside metadata key numbers, which needs at least 16777316 bytes (found 448 bytes). Download the file again."`,
    );
  });

  it("arrays of strings that the file cannot hold are refused before the first is read", async () => {
    expect(await failure(edited("array length", 0, 2 ** 20, { metadata: [["tokens", "string[]", ["a", "b"]]] }))).toMatchInlineSnapshot(
      `"file-truncated: The file ends inside metadata key tokens, which needs at least 8388662 bytes (found 72 bytes). Download the file again."`,
    );
  });

  it("arrays in arrays have a limit of depth", async () => {
    // Arrays of one array each, six deep, written over the numbers.
    const { bytes, fields } = layoutGguf({ metadata: [["deep", "uint32[]", Array.from({ length: 40 }, () => 1)]] });
    const start = fields.find((field) => field.kind === "array type")?.offset ?? 0;
    const view = new DataView(bytes.buffer);
    for (let depth = 0; depth < 6; depth += 1) {
      view.setUint32(start + depth * 12, 9, true);
      view.setBigUint64(start + depth * 12 + 4, 1n, true);
    }
    expect(await failure(bytes)).toMatchInlineSnapshot(
      `"file-limit: Arrays are nested too deeply: metadata key deep (found 5, limit 4). Download the file again, or take one from another source."`,
    );
  });

  it("arrays in arrays have a limit of number", async () => {
    const inner = Array.from({ length: 2049 }, () => []);
    const metadata: GgufContents["metadata"] = [
      ["one", "uint8[][]", inner],
      ["two", "uint8[][]", inner],
    ];
    expect(await failure(writeGguf({ metadata }))).toMatchInlineSnapshot(
      `"file-limit: The file has too many arrays in arrays: metadata key two (found 4098, limit 4096). Download the file again, or take one from another source."`,
    );
  });

  it("and tensor table together have a limit of size", async () => {
    // Five arrays of 2^22 f64 in a file of 256 MiB: 160 MiB, each array within its own limit.
    const entries = Array.from({ length: 5 }, (_, index) => {
      const { bytes, fields } = layoutGguf({ metadata: [[`key${index}`, "float64[]", []]] });
      const length = fields.find((field) => field.kind === "array length")?.offset ?? 0;
      new DataView(bytes.buffer).setBigUint64(length, 2n ** 22n, true);
      return bytes.subarray(24);
    });
    const preamble = edited("metadata count", 0, 5, {}).subarray(0, 24);
    const stride = 2 ** 25 + (entries[0]?.length ?? 0);
    const pieces = entries.map((entry, index) => [24 + index * stride, entry] as const);
    expect(await failure(sparse(2 ** 28, [[0, preamble], ...pieces]))).toMatchInlineSnapshot(
      `"file-limit: The header is too large: it goes on in metadata key key3 (found 134217864, limit 134217728). Download the file again, or take one from another source."`,
    );
  });

  it("keys appear once", async () => {
    const metadata: GgufContents["metadata"] = [
      ["same", "uint8", 1],
      ["same", "uint8", 2],
    ];
    expect(await failure(writeGguf({ metadata }))).toMatchInlineSnapshot(
      `"file-malformed: The file has this key twice: metadata key same. Download the file again, or take one from another source."`,
    );
  });

  it("keys are neither empty nor have NUL in them", async () => {
    expect(await failure(writeGguf({ metadata: [["", "uint64", 1]] }))).toMatchInlineSnapshot(
      `"file-malformed: A metadata key is empty or has a NUL character (found ""). Download the file again, or take one from another source."`,
    );
    expect(await failure(writeGguf({ metadata: [["a\0b", "uint8", 1]] }))).toMatchInlineSnapshot(
      `"file-malformed: A metadata key is empty or has a NUL character (found "a\\u0000b"). Download the file again, or take one from another source."`,
    );
  });

  it("types are known ones", async () => {
    expect(await failure(edited("value type", 0, 13))).toMatchInlineSnapshot(
      `"file-malformed: A value has an unknown type: metadata key general.architecture (found 13). Download the file again, or take one from another source."`,
    );
    expect(await failure(edited("array type", 0, 2n ** 32n - 1n))).toMatchInlineSnapshot(
      `"file-malformed: A value has an unknown type: metadata key numbers (found 4294967295). Download the file again, or take one from another source."`,
    );
  });

  it("truth values are 0 or 1, in arrays as well", async () => {
    expect(await failure(edited("value", 1, 2))).toMatchInlineSnapshot(
      `"file-malformed: A truth value is neither 0 nor 1: metadata key flag (found 2). Download the file again, or take one from another source."`,
    );
    expect(await failure(edited("value", 0, 255, { metadata: [["flags", "bool[]", [true]]] }))).toMatchInlineSnapshot(
      `"file-malformed: A truth value is neither 0 nor 1: metadata key flags (found 255). Download the file again, or take one from another source."`,
    );
  });

  it.each([
    ["a lone continuation byte", [0x80]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["a cut character", [0xe6, 0x97]],
  ])("strings are UTF-8, not %s", async (_, invalid) => {
    const { bytes, fields } = layoutGguf({ metadata: [["key", "string", "value"]] });
    bytes.set(invalid, fields.findLast((field) => field.kind === "string")?.offset);
    expect(await failure(bytes)).toBe(
      "file-malformed: A string is not valid UTF-8: metadata key key. Download the file again, or take one from another source.",
    );
  });
});

describe("general.alignment", () => {
  it("is a power of two and a multiple of 8", async () => {
    for (const alignment of [0, 1, 4, 24, 33]) {
      expect(await failure(writeGguf({ metadata: [["general.alignment", "uint32", alignment]] }))).toBe(
        `file-malformed: general.alignment must be a power of two and a multiple of 8 (found ${alignment}). Download the file again, or take one from another source.`,
      );
    }
  });

  it("has a limit", async () => {
    expect(await failure(writeGguf({ metadata: [["general.alignment", "uint32", 2 ** 17]] }))).toMatchInlineSnapshot(
      `"file-limit: general.alignment is too large (found 131072, limit 65536). Download the file again, or take one from another source."`,
    );
  });

  it("is a number", async () => {
    expect(await failure(writeGguf({ metadata: [["general.alignment", "string", "32"]] }))).toMatchInlineSnapshot(
      `"file-malformed: The metadata key general.alignment should hold a whole number (found "32"). Use another file of the model."`,
    );
  });
});

describe("tensors", () => {
  it("have names of limited length, once each, without NUL", async () => {
    expect(await failure(writeGguf({ tensors: [tensor("n".repeat(128), "F32", [1])] }))).toMatchInlineSnapshot(
      `"file-limit: A string is too long: tensor 1 of 1 (found 128 bytes, limit 127). Download the file again, or take one from another source."`,
    );
    expect(await failure(writeGguf({ tensors: [tensor("n", "F32", [1]), tensor("n", "F32", [1])] }))).toMatchInlineSnapshot(
      `"file-malformed: Tensor n is in the file twice. Download the file again, or take one from another source."`,
    );
    expect(await failure(writeGguf({ tensors: [tensor("n\0", "F32", [1])] }))).toMatchInlineSnapshot(
      `"file-malformed: A tensor name is empty or has a NUL character (found "n\\u0000"). Download the file again, or take one from another source."`,
    );
  });

  it("have one to four dimensions", async () => {
    expect(await failure(edited("dimension count", 0, 0))).toMatchInlineSnapshot(
      `"file-malformed: Tensor first has no dimensions. Download the file again, or take one from another source."`,
    );
    expect(await failure(edited("dimension count", 0, 5))).toMatchInlineSnapshot(
      `"file-limit: Tensor first has too many dimensions (found 5, limit 4). Download the file again, or take one from another source."`,
    );
  });

  it("have no dimension of size 0", async () => {
    expect(await failure(edited("dimension", 0, 0))).toMatchInlineSnapshot(
      `"file-malformed: Tensor first has a dimension of size 0. Download the file again, or take one from another source."`,
    );
  });

  it("have a limit of elements, where a product would not be exact", async () => {
    expect(await failure(edited("dimension", 2, 2n ** 52n))).toMatchInlineSnapshot(
      `"file-limit: Tensor second has too many elements (found 288230376151711740, limit 9007199254740991). Download the file again, or take one from another source."`,
    );
    expect(await failure(edited("dimension", 0, 2n ** 63n))).toMatchInlineSnapshot(
      `"file-limit: Tensor first has too many elements (found 9223372036854776000, limit 9007199254740991). Download the file again, or take one from another source."`,
    );
  });

  it("have rows of whole blocks", async () => {
    expect(await failure(edited("dimension", 1, 65))).toMatchInlineSnapshot(
      `"file-malformed: Tensor second is Q4_1, whose rows are whole blocks of 32 elements (found 65). Download the file again, or take one from another source."`,
    );
  });

  it("have a type that can be read, and the message names the one that cannot", async () => {
    expect(await failure(edited("tensor type", 1, 17))).toMatchInlineSnapshot(
      `"unsupported-type: Tensor second is stored as IQ2_XS, which is not supported. Use the Q4_K_M or Q8_0 file of the same model."`,
    );
    expect(await failure(edited("tensor type", 1, 4000))).toMatchInlineSnapshot(
      `"unsupported-type: Tensor second is stored as type 4000, which is not supported. Use the Q4_K_M or Q8_0 file of the same model."`,
    );
  });

  it("start at a multiple of the alignment", async () => {
    expect(await failure(edited("tensor offset", 1, 33))).toMatchInlineSnapshot(
      `"file-malformed: Tensor second does not start at a multiple of the alignment 32 (found 33). Download the file again, or take one from another source."`,
    );
  });

  it("end inside the file", async () => {
    const whole = writeGguf(CONTENTS);
    expect(await failure(whole.slice(0, -1))).toMatchInlineSnapshot(
      `"file-truncated: The file ends before the end of tensor third at byte 448 (found 447 bytes). Download the file again."`,
    );
    expect(await failure(edited("tensor offset", 1, 2n ** 63n))).toMatchInlineSnapshot(
      `"file-truncated: The file ends before the end of tensor second at byte 9223372036854776000 (found 448 bytes). Download the file again."`,
    );
    expect(await failure(edited("dimension", 3, 2n ** 31n))).toMatchInlineSnapshot(
      `"file-truncated: The file ends before the end of tensor third at byte 34359738784 (found 448 bytes). Download the file again."`,
    );
  });

  it("do not overlap", async () => {
    expect(await failure(edited("tensor offset", 2, 32))).toMatchInlineSnapshot(
      `"file-malformed: Tensor third overlaps tensor second (found 320). Download the file again, or take one from another source."`,
    );
  });
});

describe("a file", () => {
  it("that ends anywhere in its header is called truncated", async () => {
    const { bytes, fields } = layoutGguf(CONTENTS);
    const last = fields.at(-1);
    const end = (last?.offset ?? 0) + (last?.length ?? 0);
    const messages = await Promise.all(Array.from({ length: end - 4 }, (_, cut) => failure(bytes.slice(0, cut + 4))));
    expect(messages.filter((message) => !message.startsWith("file-truncated: "))).toEqual([]);
    expect(messages.at(100)).toMatchInlineSnapshot(
      `"file-truncated: The file ends inside its header of 3 metadata entries and 3 tensors, which needs at least 165 bytes (found 104 bytes). Download the file again."`,
    );
  });

  it("that is one part of a split model is refused with the way to join the parts", async () => {
    expect(await failure(writeGguf({ metadata: [["split.count", "uint16", 3]] }))).toMatchInlineSnapshot(
      `"file-limit: The file is one part of a model that is split into several files (found 3 files, limit 1). Use a file that is not split, or join the parts with llama-gguf-split --merge."`,
    );
  });

  it("that is split into one part is a whole model", async () => {
    const file = await parseGguf(new BytesSource(writeGguf({ metadata: [["split.count", "uint16", 1]] })));
    expect(file.metadata.get("split.count")).toBe(1);
  });

  it("whose source gives fewer bytes than it says is told apart", async () => {
    const bytes = writeGguf(CONTENTS);
    expect(
      await failure({ size: bytes.length, read: async (offset, length) => bytes.slice(offset, offset + length - 1) }),
    ).toMatchInlineSnapshot(`"source-changed: The file gave 447 of the 448 bytes asked for at byte 0. Open it again."`);
  });
});
