import { openDevice } from "@longtab/gpu";
import { testBackend } from "@longtab/gpu/testing";
import { expect, test } from "vitest";
import { score } from "../src/index.ts";
import { answer, loadTiny } from "./tiny.ts";

/** Enough tokens that each page list has more than one page. */
const prompt = "the sea and the land and the sky and the sea and the land ";

test("a device with default limits and no features gives the logits of the best one", async () => {
  const gpu = await openDevice({ gpu: testBackend(), defaultLimits: true });
  expect(gpu.report).toMatchObject({
    features: { shaderF16: false, subgroups: false, timestamps: false },
    limits: {
      maxStorageBufferBindingSize: 128 * 2 ** 20,
      maxBufferSize: 256 * 2 ** 20,
      maxComputeWorkgroupStorageSize: 16_384,
      maxComputeInvocationsPerWorkgroup: 256,
    },
  });
  // More heads, channels and context than other tests have: what the limits are about.
  const model = { seed: 12, hidden: 256, heads: 8, kvHeads: 1, headSize: 64, ffn: 512, contextLength: 2048 };
  const [small, best] = [await loadTiny(model, gpu), await loadTiny(model)];
  const ids = small.engine.encode({ text: prompt });
  const logitsOf = async ({ backend }: typeof small, rows: number): Promise<number[]> => {
    const logits: number[] = [];
    await score(backend, ids.subarray(0, 20), ids.subarray(20), { rows, onLogits: (_, row) => logits.push(...row) });
    return logits;
  };
  for (const rows of [1, 16]) {
    const [few, many] = [await logitsOf(small, rows), await logitsOf(best, rows)];
    expect(few).toHaveLength((ids.length - 20) * 320);
    // The kernels may be cut in another way where there are subgroups.
    expect(Math.max(...few.map((logit, index) => Math.abs(logit - (many[index] ?? NaN))))).toBeLessThan(4e-3);
  }
  expect((await answer(small, prompt, { maxTokens: 20 })).summary.completionTokens).toBeGreaterThan(0);
  small.engine.dispose();
  best.engine.dispose();
});
