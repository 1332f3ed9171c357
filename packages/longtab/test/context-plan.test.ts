import { describe, expect, it } from "vitest";
import { catalogue } from "../src/catalogue.ts";
import { planContext, planFor } from "../src/context-plan.ts";

const facts = { shape: { layers: 30, heads: 9, kvHeads: 3, headSize: 64 }, trained: 8192 };
/** Keys and values of a token in f16: 2 numbers of 2 bytes for each layer, KV head and channel. */
const f16Bytes = 2 * 2 * 30 * 3 * 64;

describe("what memory buys", () => {
  it("is the trained window and all of its keys and values with dense attention", () => {
    expect(planFor(facts, { policy: "dense" })).toEqual({ keeps: 8192, bytes: 8192 * f16Bytes, endless: false });
  });

  it("is the same for ever with streaming, and much less", () => {
    const plan = planFor(facts, { policy: "streaming" });
    expect(plan).toMatchObject({ endless: true, keeps: 2052 });
    expect(plan.bytes).toBeLessThan(0.5 * 8192 * f16Bytes);
  });

  it("is many trained windows where far memory keeps what was read, within its budget", () => {
    const plan = planFor(facts, {});
    expect(plan.endless).toBe(true);
    expect(plan.keeps).toBeGreaterThan(2 * 8192);
    expect(plan.bytes).toBeLessThanOrEqual(640 * 2 ** 20);
  });

  it("is more where pages may move away, and no more than there is room for", () => {
    const [alone, some, much] = [undefined, 2e8, 6e8].map((memory) => planFor(facts, {}, 100e6, memory ? { memory } : undefined));
    expect(some?.keeps).toBeGreaterThan(1.3 * (alone?.keeps ?? NaN));
    expect(much?.keeps).toBeGreaterThan(1.3 * (some?.keeps ?? NaN));
    for (const plan of [some, much]) expect(plan?.bytes).toBeLessThanOrEqual(100e6);
    // Where all of it fits nothing moves away.
    expect(planFor(facts, {}, 2e9, { memory: 500e6 })).toEqual(planFor(facts, {}, 2e9));
  });

  it("is less for a smaller budget, and fewer bits hold more", () => {
    const [small, fewer] = [planFor(facts, {}, 100e6), planFor(facts, { kv: "kv4" }, 100e6)];
    expect(small.bytes).toBeLessThanOrEqual(100e6);
    expect(fewer.bytes).toBeLessThanOrEqual(100e6);
    expect(small.keeps).toBeLessThan(planFor(facts, {}).keeps);
    expect(fewer.keeps).toBeGreaterThan(1.4 * small.keeps);
  });

  it("is between that of the precisions of its layers where these differ", () => {
    const precision = Array.from({ length: 30 }, (_, layer) => (layer % 3 === 0 ? "kv8" : "kv4"));
    const headMap = { version: 1, model: "", streaming: precision.map(() => [false, false, false]), precision } as const;
    const bytesOf = (kv: "kv8" | "kv4" | "mixed"): number => planFor(facts, { policy: "quest", kv, headMap }).bytes;
    expect(bytesOf("mixed")).toBe((bytesOf("kv8") + 2 * bytesOf("kv4")) / 3);
  });

  it("refuses a policy that there is none of", () => {
    expect(() => planFor(facts, { policy: "everything" as "dense" })).toThrow(expect.objectContaining({ code: "invalid-option" }));
  });

  it("is known for every model of the catalogue", () => {
    for (const { shape, contextLength } of catalogue) {
      expect(planFor({ shape, trained: contextLength }, {}).keeps).toBeGreaterThanOrEqual(contextLength);
    }
  });
});

describe("a plan for a model of the catalogue", () => {
  const model = catalogue[0]?.id ?? "";

  it("needs no model", async () => {
    expect(await planContext({ model, context: "dense" })).toMatchObject({ keeps: catalogue[0]?.contextLength, endless: false });
  });

  it.each([0, -1, 1.5, Number.NaN, 1000])("refuses a budget of %s bytes, as a load does", async (memoryBudget) => {
    await expect(planContext({ model, memoryBudget })).rejects.toMatchObject({ code: "invalid-option", limit: "at least 65536" });
  });
});
