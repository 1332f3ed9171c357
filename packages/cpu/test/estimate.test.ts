import { afterEach, describe, expect, test, vi } from "vitest";
import { estimateStepSeconds, planCpuLoad } from "../src/index.ts";
import { watchedHost } from "./kernels.ts";
import { sizeModel, small } from "./size-model.ts";

afterEach(() => vi.restoreAllMocks());

describe("the estimate of a step", () => {
  const [little, large] = [sizeModel({ ...small, layers: 1 }), sizeModel({ ...small, layers: 60 })];

  test.each([1, 2])("is a time, and leaves nothing of a team of %d", async (threads) => {
    const host = watchedHost();
    const seconds = await estimateStepSeconds(little, { host, threads });
    expect(seconds > 0 && seconds < 100).toBe(true);
    expect(host.threads.map(({ ended }) => ended)).toEqual(Array.from({ length: threads - 1 }, () => true));
  });

  test("is the time of 20 MiB for each 20 MiB of the model", async () => {
    // A clock by which every product takes a millisecond: two real measurements would differ by what else the machine does.
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now++);
    for (const file of [little, large]) {
      const seconds = await estimateStepSeconds(file, { host: watchedHost(), threads: 1 });
      expect(seconds).toBeCloseTo((0.001 * planCpuLoad(file).memory.weights) / (20 * 2 ** 20), 10);
    }
  });

  test("of a model that cannot be held is an error", async () => {
    await expect(estimateStepSeconds(sizeModel({ ...small, layers: 500 }), { host: watchedHost() })).rejects.toMatchObject({
      code: "out-of-memory",
    });
  });
});
