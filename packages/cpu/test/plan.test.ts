import { createPolicy, listCapacity } from "@longtab/attention";
import { isLongtabError } from "@longtab/errors";
import { BytesSource, parseGguf, TENSOR_TYPES } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import type { TinyModelOptions } from "@longtab/formats/testing";
import { cacheShape } from "@longtab/model";
import type { ModelConfig } from "@longtab/model";
import { afterAll, describe, expect, test, vi } from "vitest";
import { editedModel } from "../../model/test/edit-model.ts";
import type { Changes } from "../../model/test/edit-model.ts";
import { loadCpuBackend, planCpuLoad } from "../src/index.ts";
import type { CpuPlanOptions } from "../src/index.ts";
import { Heap } from "../src/heap.ts";
import { createScratch, maxStepTokens, scratchBytes } from "../src/scratch.ts";
import { host, openKernels } from "./kernels.ts";
import { sizeModel, small } from "./size-model.ts";

const allocate = vi.spyOn(Heap.prototype, "allocate");
const free = vi.spyOn(Heap.prototype, "free");
afterAll(() => vi.restoreAllMocks());

/** Bytes of the regions that a heap has given and not taken back. */
function usedBytes(heap: Heap): number {
  const left = new Map<unknown, number>();
  const events: { order: number; apply: () => void }[] = [];
  for (const [index, [bytes]] of allocate.mock.calls.entries()) {
    const { contexts, results, invocationCallOrder } = allocate.mock;
    if (contexts[index] !== heap) continue;
    events.push({ order: invocationCallOrder[index] ?? NaN, apply: () => left.set(results[index]?.value, bytes) });
  }
  for (const [index, [pointer]] of free.mock.calls.entries()) {
    const { contexts, invocationCallOrder } = free.mock;
    if (contexts[index] === heap) events.push({ order: invocationCallOrder[index] ?? NaN, apply: () => left.delete(pointer) });
  }
  for (const { apply } of events.toSorted((one, other) => one.order - other.order)) apply();
  return [...left.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** The code and message with which planning fails. */
function refusal(file: Parameters<typeof planCpuLoad>[0], options?: CpuPlanOptions): string {
  try {
    planCpuLoad(file, options);
  } catch (error) {
    if (isLongtabError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "planned";
}

const edited = async (changes: Changes, options?: CpuPlanOptions): Promise<string> => refusal(await editedModel(changes), options);

describe("the plan of a load", () => {
  test("takes the trained window where memory holds it", async () => {
    const { contextLength, memory } = planCpuLoad(await editedModel({}));
    expect(contextLength).toBe(256);
    // Two layers, two KV heads, 16 pages of 16 tokens: 16-bit keys and 8-bit values of 16 channels and their two scales; then lists, records,
    // slots and closings.
    expect(memory.kvBudget).toBe(2 * 2 * (16 * 16 * (16 * 3 + 8) + 4 * (16 * 4 + 8 + 64 + 1 + 2 * 5)));
  });

  test("takes the context that was asked for", async () => {
    const file = await editedModel({});
    const { contextLength, memory } = planCpuLoad(file, { contextLength: 17 });
    expect(contextLength).toBe(17);
    expect(memory.kvBudget).toBeLessThan(planCpuLoad(file).memory.kvBudget);
    expect(memory.weights).toBe(planCpuLoad(file).memory.weights);
  });

  test.each([0, -1, 1.5, 257, NaN, Infinity])("refuses a context of %d tokens", async (contextLength) => {
    expect(await edited({}, { contextLength })).toBe(
      `invalid-option: The context length must be a whole number of tokens within the trained window (found ${contextLength}, limit 256). Choose 1 to 256.`,
    );
  });

  test("refuses matrices whose columns are not whole blocks", () => {
    const file = sizeModel({ ...small, ffn: 1528, types: { down: "F32" } });
    expect(refusal(file)).toMatchInlineSnapshot(
      `"unsupported-type: The processor multiplies matrices of whole blocks of 32 columns; blk.0.ffn_down.weight has another width (found 1528). Choose another model, or run it on a graphics card."`,
    );
  });

  test("lists the types that are not kept exactly, and how far off they are", () => {
    const roundings = TENSOR_TYPES.flatMap((type) => planCpuLoad(sizeModel({ ...small, types: type })).roundings);
    expect(roundings.map(({ type }) => type)).toEqual(TENSOR_TYPES.filter((type) => !["Q4_0", "Q4_1", "Q8_0"].includes(type)));
    expect(new Set(roundings.map(({ error }) => error))).toEqual(
      new Set(["kept in 8 bits, within 0.4% of the largest of 32 neighbours", "scales rounded to 11 bits"]),
    );
    const mixed = planCpuLoad(sizeModel({ ...small, types: { value: "Q6_K", query: "Q4_K", key: "Q4_K" } }));
    expect(mixed.roundings.map(({ type }) => type).toSorted()).toEqual(["Q4_K", "Q6_K"]);
  });
});

describe("a model that 32-bit addresses cannot hold", () => {
  /** About 3.6 GB of 8-bit tiles. */
  const large = { ...small, hidden: 4096, heads: 32, kvHeads: 32, headSize: 128, ffn: 11_008, layers: 16, contextLength: 131_072 };

  test("is refused where its weights alone are too large", () => {
    expect(refusal(sizeModel({ ...large, layers: 64 }))).toMatchInlineSnapshot(
      `"out-of-memory: The model is larger than what the browser's processor path can address (found 13801390976, limit 4278190080). Choose a smaller model."`,
    );
    expect(refusal(sizeModel({ ...large, layers: 64 }), { contextLength: 64 })).toContain("Choose a smaller model.");
  });

  test("is planned with the longest context that fits", () => {
    const file = sizeModel(large);
    const { contextLength, memory } = planCpuLoad(file);
    expect(contextLength).toBeGreaterThan(0);
    expect(contextLength).toBeLessThan(large.contextLength);
    expect(memory.weights + memory.scratch + memory.kvBudget).toBeLessThan(2 ** 32);
    expect(planCpuLoad(file, { contextLength }).memory).toEqual(memory);
    expect(refusal(file, { contextLength: contextLength + 1 })).toContain(`Choose a context of at most ${contextLength} tokens.`);
  });

  test("says how much a context that does not fit would take", () => {
    const error = catchError(() => planCpuLoad(sizeModel(large), { contextLength: 131_072 }));
    expect(error).toMatchObject({ code: "out-of-memory" });
    expect(isLongtabError(error) && Number(error.value) > Number(error.limit)).toBe(true);
    // One token more than fits is more than the limit too.
    const { contextLength } = planCpuLoad(sizeModel(large));
    const closest = catchError(() => planCpuLoad(sizeModel(large), { contextLength: contextLength + 16 }));
    expect(isLongtabError(closest) && Number(closest.value) > Number(closest.limit)).toBe(true);
  });
});

describe("what a load takes", () => {
  test.each<[string, TinyModelOptions]>([
    ["a tied model", {}],
    ["an output head of its own and rows that are not whole tiles", { tied: false, vocabulary: 333 }],
    ["matrices of 4 and of 8 bits in one product", { types: { value: "Q8_0", up: "F16" } }],
  ])("is what was planned: %s", async (_, options) => {
    const source = new BytesSource(tinyModel(options));
    const backend = await loadCpuBackend(await parseGguf(source), source, { host, threads: 1 });
    const { plan, heap, model } = backend;
    const { kernels } = model;
    const held = usedBytes(heap);
    // The same scratch again, as large as the first.
    const capacity = listCapacity(cacheShape(plan.config), plan.policy, plan.contextLength, maxStepTokens);
    createScratch(heap, plan.config, { capacity, selection: plan.policy.selection }, kernels);
    const scratch = usedBytes(heap) - held;
    expect(scratch).toBeLessThanOrEqual(plan.memory.scratch);
    expect(held - scratch).toBe(plan.memory.weights);
    expect(backend.memory()).toMatchObject({
      weights: plan.memory.weights,
      scratch: plan.memory.scratch,
      kv: 0,
      kvBudget: plan.memory.kvBudget,
    });
    backend.dispose();
  });

  test("is at least the scratch that the kernels ask for, for models of every shape", async () => {
    const { heap, kernels, team } = await openKernels("plain", 1, 2 ** 30);
    const quest = createPolicy({ policy: "quest" }, { trained: 8192, keeps: 8192 });
    const shapes: Partial<ModelConfig>[] = [
      { heads: 1, kvHeads: 1, headSize: 8 },
      { heads: 9, kvHeads: 3, headSize: 64 },
      { heads: 32, kvHeads: 1, headSize: 128 },
      { heads: 32, kvHeads: 32, headSize: 80 },
      { heads: 64, kvHeads: 2, headSize: 256, hidden: 8192 },
    ];
    const { config } = planCpuLoad(await editedModel({}));
    for (const shape of shapes) {
      for (const capacity of [1, 16, 17, 4096, 16_384]) {
        for (const selection of [undefined, quest.selection]) {
          const before = usedBytes(heap);
          const shaped = { ...config, ...shape };
          const scratch = createScratch(heap, shaped, { capacity, selection }, kernels);
          expect(usedBytes(heap) - before).toBeLessThanOrEqual(scratchBytes(shaped, { capacity, selection }));
          const { inputs, ...others } = scratch;
          for (const pointer of [...Object.values(others), ...Object.values(inputs)]) heap.free(pointer);
        }
      }
    }
    team.dispose();
  });

  test("holds pages and lists of the whole context, in a memory of no more than planned and 4 MiB", async () => {
    const source = new BytesSource(tinyModel({ contextLength: 2048, vocabulary: 2000 }));
    const backend = await loadCpuBackend(await parseGguf(source), source, { host, threads: 1 });
    const { weights, scratch, kvBudget } = backend.plan.memory;
    const timeline = backend.createTimeline();
    await timeline.prefill(new Uint32Array(2040).fill(7), {
      temperature: 0,
      topK: 0,
      topP: 1,
      minP: 0,
      repetitionPenalty: 1,
      penaltyWindow: 0,
      seed: 0,
    });
    expect(backend.memory().kv).toBe(backend.pool.maxBytes);
    expect(usedBytes(backend.heap)).toBeLessThanOrEqual(weights + scratch + kvBudget);
    expect(backend.heap.bytes).toBeLessThanOrEqual(backend.heap.limit);
    expect(backend.heap.limit).toBeLessThanOrEqual(weights + scratch + kvBudget + 5 * 2 ** 20);
    backend.dispose();
  });
});

function catchError(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
