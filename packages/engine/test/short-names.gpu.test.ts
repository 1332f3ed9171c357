import type { ContextOptions } from "@longtab/attention";
import type { Gpu } from "@longtab/gpu";
import { openTestGpu } from "@longtab/gpu/testing";
import { afterAll, describe, expect, test } from "vitest";
import { minifyWgsl, shortNames } from "../../../scripts/minify-wgsl.mjs";
import { allShaders } from "../../../scripts/strip-shaders.mjs";
import { collect, greedy, loadTiny, warm } from "../src/testing/tiny.ts";
import { generate } from "../src/generate.ts";
import { Session } from "../src/session.ts";
import { BorrowedGpu } from "./borrowed-gpu.ts";
import { webGpu } from "./tiny.ts";

const gpu: Gpu = await openTestGpu();
const createShaderModule = gpu.device.createShaderModule.bind(gpu.device);
const short = shortNames(allShaders());
/** Shaders that were made with short names. */
let shortened = 0;

afterAll(() => void (gpu.device.createShaderModule = createShaderModule));

/** From here on shaders are compiled as they are written, or as the built page has them. */
function compile(how: "as written" | "with short names"): void {
  gpu.device.createShaderModule = (descriptor) => {
    if (how === "as written") return createShaderModule(descriptor);
    shortened++;
    return createShaderModule({ ...descriptor, code: minifyWgsl(descriptor.code, short) });
  };
}

/** Tokens of a tiny model, drawn by every sampling kernel, past its first pages. */
async function answer(types: "Q4_1" | "Q6_K", context: ContextOptions): Promise<string> {
  const shape = types === "Q6_K" ? { hidden: 256, headSize: 64, ffn: 256 } : {};
  const { backend, tokenizer } = await loadTiny(webGpu(new BorrowedGpu(gpu)), { types, seed: 5, layers: 2, ...shape }, { context });
  const ids = Uint32Array.from({ length: 64 }, (_, index) => (index * 7) % 250);
  const texts: string[] = [];
  for (const sampling of [greedy, { ...warm, topK: 20, topP: 0.9, minP: 0.01, repetitionPenalty: 1.1, penaltyWindow: 32 }]) {
    const session = new Session(backend);
    // One step for the prompt: with pages of fewer bits it matters where steps end, and that depends on how fast they were.
    backend.prefillRate = Infinity;
    texts.push((await collect(generate(backend, session, tokenizer, ids, { sampling, maxTokens: 12 }))).text);
    session.dispose();
  }
  backend.dispose();
  return texts.join("|");
}

describe("shaders with short names compute the same tokens", () => {
  test.each([
    ["Q4_1", { policy: "dense" }],
    ["Q6_K", { policy: "duo+quest", budget: 48, recent: 16, kv: "k8v4" }],
    ["Q4_1", { policy: "quest", budget: 48, recent: 16, kv: "f16" }],
  ] as const)("of a %s model with %o", async (types, context) => {
    compile("as written");
    const expected = await answer(types, context);
    compile("with short names");
    const before = shortened;
    expect(await answer(types, context)).toBe(expected);
    expect(shortened).toBeGreaterThan(before + 5);
    expect(expected.length).toBeGreaterThan(10);
  });
});
