import { isLongtabError } from "@longtab/errors";
import { describe, expect, test } from "vitest";
import { defaultLimits, planLoad, readConfig } from "../src/index.ts";
import type { PlanOptions } from "../src/index.ts";
import { editedModel } from "./edit-model.ts";
import type { Changes } from "./edit-model.ts";

/** The code and message with which planning a changed tiny model fails. */
async function refusal(changes: Changes, options?: PlanOptions): Promise<string> {
  const file = await editedModel(changes);
  try {
    planLoad(file, options);
  } catch (error) {
    if (isLongtabError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "planned";
}

describe("planLoad", () => {
  test("plans an unchanged tiny model", async () => {
    const { config, contextLength, memory } = planLoad(await editedModel({}));
    expect(config).toMatchObject({
      layers: 2,
      hidden: 64,
      heads: 4,
      kvHeads: 2,
      headSize: 16,
      ffn: 128,
      vocabulary: 320,
      tied: true,
      ropeDimensions: 16,
      ropeFactor: 1,
    });
    expect(contextLength).toBe(256);
    // Two layers, two KV heads, 16 pages of 16 tokens, keys and values of 16 channels in two bytes.
    expect(memory.kvBudget).toBe(2 * 2 * 16 * 16 * 2 * 16 * 2);
  });

  test("takes the context that was asked for", async () => {
    const { contextLength, memory } = planLoad(await editedModel({}), { contextLength: 17 });
    expect(contextLength).toBe(17);
    expect(memory.kvBudget).toBe(2 * 2 * 2 * 16 * 2 * 16 * 2);
  });

  test("shortens the context to what one layer's cache can bind", async () => {
    const file = await editedModel({ metadata: { "llama.context_length": 65_536 } }, {});
    // A page of both KV heads takes 1 KiB: 64 KiB bind 64 pages.
    expect(planLoad(file, { limits: { ...defaultLimits, maxStorageBufferBindingSize: 65_536 } }).contextLength).toBe(1024);
  });

  test.each([0, -1, 1.5, 257, NaN, Infinity])("refuses a context of %d tokens", async (contextLength) => {
    expect(await refusal({}, { contextLength })).toBe(
      `invalid-option: The context length must be a whole number of tokens within the trained window (found ${contextLength}, limit 256). Choose 1 to 256.`,
    );
  });

  test("refuses a context that a layer's cache cannot bind", async () => {
    expect(
      await refusal(
        { metadata: { "llama.context_length": 65_536 } },
        { contextLength: 1025, limits: { ...defaultLimits, maxStorageBufferBindingSize: 65_536 } },
      ),
    ).toMatchInlineSnapshot(
      `"device-limit: The context is longer than this GPU can bind for one layer (found 1025, limit 1024). Choose at most 1024 tokens."`,
    );
  });

  test("refuses a model that is larger than the adapter's limits", async () => {
    expect(await refusal({}, { limits: { maxBufferSize: 4096, maxStorageBufferBindingSize: 2048 } })).toMatchInlineSnapshot(
      `"device-limit: 64 rows of token_embd.weight do not fit one buffer of this GPU (found 4096, limit 2048). Choose a smaller model."`,
    );
  });
});

describe("a file that this forward pass cannot run", () => {
  test("of another architecture", async () => {
    expect(await refusal({ metadata: { "general.architecture": "qwen2" } })).toMatchInlineSnapshot(
      `"unsupported-architecture: This model's architecture is not supported (found qwen2, limit llama). Choose a model of the llama family."`,
    );
  });

  test("without an architecture", async () => {
    expect(await refusal({ metadata: { "general.architecture": undefined } })).toMatchInlineSnapshot(
      `"file-malformed: The file does not have the metadata key general.architecture. Use another file of the model."`,
    );
  });

  test("with experts", async () => {
    expect(await refusal({ metadata: { "llama.expert_count": 8 } })).toMatchInlineSnapshot(
      `"unsupported-architecture: Mixtures of experts are not supported. Choose another model."`,
    );
  });

  test("with sizes that differ from layer to layer", async () => {
    expect(await refusal({ metadata: { "llama.attention.head_count_kv": Int32Array.of(2, 1) } })).toMatchInlineSnapshot(
      `"unsupported-architecture: Sizes that differ from layer to layer are not supported (llama.attention.head_count_kv). Choose another model."`,
    );
  });

  test("with keys and values of different sizes", async () => {
    expect(await refusal({ metadata: { "llama.attention.key_length": 16, "llama.attention.value_length": 32 } })).toMatchInlineSnapshot(
      `"unsupported-architecture: Keys and values of different sizes are not supported (found 32, limit 16). Choose another model."`,
    );
    expect(await refusal({ metadata: { "llama.attention.value_length": 32 } })).toMatchInlineSnapshot(
      `"unsupported-architecture: Keys and values of different sizes are not supported (found 32, limit 16). Choose another model."`,
    );
  });

  test("with heads that are no multiple of 8", async () => {
    expect(await refusal({ metadata: { "llama.attention.head_count": 16 } })).toMatchInlineSnapshot(
      `"unsupported-architecture: The size of an attention head must be a multiple of 8 up to 256 (found 4, limit 256). Choose another model."`,
    );
    expect(await refusal({ metadata: { "llama.attention.head_count": 5, "llama.attention.head_count_kv": 5 } })).toMatchInlineSnapshot(
      `"unsupported-architecture: The size of an attention head must be a multiple of 8 up to 256 (found 12.8, limit 256). Choose another model."`,
    );
  });

  test("with heads that are too large", async () => {
    expect(await refusal({ metadata: { "llama.attention.key_length": 512 } })).toMatchInlineSnapshot(
      `"unsupported-architecture: The size of an attention head must be a multiple of 8 up to 256 (found 512, limit 256). Choose another model."`,
    );
  });

  test("with too many query heads to a KV head", async () => {
    expect(
      await refusal({
        metadata: { "llama.attention.head_count": 64, "llama.attention.head_count_kv": 1, "llama.attention.key_length": 16 },
      }),
    ).toMatchInlineSnapshot(
      `"unsupported-architecture: More query heads share a KV head than the attention kernels take (found 64, limit 32). Choose another model."`,
    );
  });

  test.each(["yarn", "dynamic", "longrope"])("with %s RoPE scaling", async (type) => {
    expect(await refusal({ metadata: { "llama.rope.scaling.type": type, "llama.rope.scaling.factor": 4 } })).toBe(
      `unsupported-architecture: This kind of RoPE scaling is not supported (found ${type}, limit linear). Choose another model.`,
    );
  });

  test("with a tensor that would have to be ignored", async () => {
    expect(await refusal({ tensors: { "blk.0.attn_q.bias": { shape: [64] } } })).toMatchInlineSnapshot(
      `"unsupported-architecture: The file has a tensor that this runtime would have to ignore (found blk.0.attn_q.bias). Choose another model."`,
    );
  });

  test("with a norm that is not F32", async () => {
    expect(await refusal({ tensors: { "output_norm.weight": { type: "F16" } } })).toMatchInlineSnapshot(
      `"unsupported-type: The tensor output_norm.weight has an unusual type (found F16, limit F32). Use another file of the model."`,
    );
  });

  test("with rows that are not whole blocks of 32", async () => {
    expect(await refusal({ metadata: { "llama.feed_forward_length": 136 }, tensors: oddFfn })).toMatchInlineSnapshot(
      `"unsupported-type: The rows of blk.0.ffn_down.weight are not whole blocks of 32 weights (found 136)."`,
    );
  });
});

/** F32 rows may have any length in a file. */
const oddFfn: NonNullable<Changes["tensors"]> = Object.fromEntries(
  [0, 1].flatMap((layer) => [
    [`blk.${layer}.ffn_gate.weight`, { shape: [136, 64] }],
    [`blk.${layer}.ffn_up.weight`, { shape: [136, 64] }],
    [`blk.${layer}.ffn_down.weight`, { type: "F32", shape: [64, 136] }],
  ]),
);

describe("a damaged file", () => {
  test("without a tensor", async () => {
    expect(await refusal({ tensors: { "blk.1.attn_v.weight": undefined } })).toMatchInlineSnapshot(
      `"file-malformed: The file does not have the tensor blk.1.attn_v.weight. Use another file of the model."`,
    );
    expect(await refusal({ tensors: { "token_embd.weight": undefined } })).toMatchInlineSnapshot(
      `"file-malformed: The file does not have the tensor token_embd.weight. Use another file of the model."`,
    );
  });

  test("with a misshapen tensor", async () => {
    expect(await refusal({ tensors: { "blk.0.ffn_down.weight": { shape: [64, 96] } } })).toMatchInlineSnapshot(
      `"file-malformed: The tensor blk.0.ffn_down.weight has the wrong shape (found 64 x 96, limit 64 x 128). Use another file of the model."`,
    );
    expect(await refusal({ tensors: { "blk.0.ffn_down.weight": { shape: [128, 64] } } })).toMatchInlineSnapshot(
      `"file-malformed: The tensor blk.0.ffn_down.weight has the wrong shape (found 128 x 64, limit 64 x 128). Use another file of the model."`,
    );
  });

  test("with a tensor of three dimensions", async () => {
    expect(await refusal({ tensors: { "blk.0.attn_q.weight": { shape: [1, 64, 64] } } })).toMatchInlineSnapshot(
      `"file-malformed: The tensor blk.0.attn_q.weight has the wrong shape (found 1 x 64 x 64, limit 64 x 64). Use another file of the model."`,
    );
  });

  test.each([
    ["llama.block_count", 0],
    ["llama.block_count", 100_000],
    ["llama.embedding_length", 2 ** 40],
    ["llama.attention.head_count", 0],
    ["llama.feed_forward_length", 0],
    ["llama.context_length", 0],
    ["llama.attention.head_count_kv", 3],
    ["llama.rope.dimension_count", 15],
    ["llama.rope.dimension_count", 32],
    ["llama.rope.freq_base", 0],
    ["llama.rope.freq_base", -1],
    ["llama.attention.layer_norm_rms_epsilon", -1],
    ["llama.attention.layer_norm_rms_epsilon", NaN],
    ["llama.block_count", "two"],
    ["llama.rope.scaling.factor", -2],
  ])("with %s = %s", async (key, value) => {
    expect(await refusal({ metadata: { [key]: value } })).toMatch(/^file-malformed: /);
  });

  test("with more layers than tensors", async () => {
    expect(await refusal({ metadata: { "llama.block_count": 3 } })).toMatchInlineSnapshot(
      `"file-malformed: The file does not have the tensor blk.2.attn_norm.weight. Use another file of the model."`,
    );
  });

  test("with fewer layers than tensors", async () => {
    expect(await refusal({ metadata: { "llama.block_count": 1 } })).toMatchInlineSnapshot(
      `"unsupported-architecture: The file has a tensor that this runtime would have to ignore (found blk.1.attn_norm.weight). Choose another model."`,
    );
  });
});

describe("readConfig", () => {
  test("reads linear RoPE scaling under its names, and without a type, as llama.cpp does", async () => {
    const factor = async (metadata: NonNullable<Changes["metadata"]>): Promise<number> =>
      readConfig(await editedModel({ metadata })).ropeFactor;
    expect(await factor({ "llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4 })).toBe(4);
    expect(await factor({ "llama.rope.scaling.factor": 4 })).toBe(4);
    expect(await factor({ "llama.rope.scale_linear": 2 })).toBe(2);
    expect(await factor({ "llama.rope.scaling.type": "none", "llama.rope.scaling.factor": 4 })).toBe(1);
    expect(await factor({ "llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 0 })).toBe(1);
  });

  test("takes the query heads for the KV heads where the file does not tell", async () => {
    expect(readConfig(await editedModel({ metadata: { "llama.attention.head_count_kv": undefined } })).kvHeads).toBe(4);
  });

  test("names the type that holds most of the weights and counts the parameters", async () => {
    const file = await editedModel({}, {});
    const config = readConfig(file);
    expect(config.quantisation).toBe("Q4_1");
    // Embedding 320 x 64, a layer 2 x 64 + 64 x (64 + 32 + 32 + 64) + 3 x 64 x 128, and the last norm.
    expect(config.parameters).toBe(320 * 64 + 2 * (128 + 64 * 192 + 3 * 64 * 128) + 64);
  });
});
