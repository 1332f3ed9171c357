import { describe, expect, test } from "vitest";
import { estimateStepSeconds, planCpuLoad } from "../src/index.ts";
import { watchedHost } from "./kernels.ts";
import { sizeModel, small } from "./size-model.ts";

describe("the estimate of a step", () => {
  const [little, large] = [sizeModel({ ...small, layers: 1 }), sizeModel({ ...small, layers: 60 })];

  test.each([1, 2])("is a time that grows with the model's bytes, with a team of %d", async (threads) => {
    const host = watchedHost();
    const seconds = [await estimateStepSeconds(little, { host, threads }), await estimateStepSeconds(large, { host, threads })] as const;
    for (const each of seconds) expect(each > 0 && each < 100).toBe(true);
    // Two measurements, on a machine that may do something else during one of them: far from equal, and far from the other model's.
    const expected = planCpuLoad(large).memory.weights / planCpuLoad(little).memory.weights;
    expect(expected).toBeGreaterThan(20);
    expect(seconds[1] / seconds[0]).toBeGreaterThan(expected / 8);
    expect(seconds[1] / seconds[0]).toBeLessThan(expected * 8);
    expect(host.threads.map(({ ended }) => ended)).toEqual(Array.from({ length: 2 * (threads - 1) }, () => true));
  });

  test("of a model that cannot be held is an error", async () => {
    await expect(estimateStepSeconds(sizeModel({ ...small, layers: 500 }), { host: watchedHost() })).rejects.toMatchObject({
      code: "out-of-memory",
    });
  });
});
