import { createRandom } from "@longtab/formats/testing";
import { openDevice, readBuffer, Recorder } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { openTestGpu, testBackend } from "@longtab/gpu/testing";
import { beforeAll, describe, expect, it } from "vitest";
import type { Sampling } from "../backend.ts";
import { createSamplerScratch, recordSample } from "./sample.ts";
import type { SampleBuffers } from "./sample.ts";
import { sampleReference } from "./sample.reference.ts";
import { distributions, randomSampling } from "./testing/cases.ts";

const plain: Sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, penaltyWindow: 64, seed: 1 };

/** Milliseconds: SwiftShader takes a quarter of a second for the thousand barriers of fifty draws. */
const slowAdapter = 400_000;

interface Bench extends SampleBuffers {
  dispose(): void;
}

function createBench(gpu: Gpu, vocabularySize: number, tokens: Uint32Array<ArrayBuffer>): Bench {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffers = {
    logits: gpu.createBuffer("logits", vocabularySize * 4, usage),
    tokens: gpu.createBuffer("tokens", tokens.byteLength, usage),
    sampled: gpu.createBuffer("sampled", 4, usage),
  };
  const scratch = createSamplerScratch(gpu, vocabularySize);
  gpu.device.queue.writeBuffer(buffers.tokens, 0, tokens);
  return {
    ...buffers,
    scratch,
    vocabularySize,
    dispose() {
      scratch.dispose();
      for (const buffer of Object.values(buffers)) gpu.destroyBuffer(buffer);
    },
  };
}

it("compiles under default limits on the null backend", async () => {
  const gpu = await openDevice({ gpu: testBackend("null"), defaultLimits: true });
  const bench = createBench(gpu, 49_152, new Uint32Array(8));
  const recorder = new Recorder(gpu);
  let pipelines = 0;
  await recorder.prepare(
    (step) => recordSample(step, bench, { ...plain, topK: 40 }, 0),
    (_, total) => (pipelines = total),
  );
  expect(pipelines).toBe(3);
});

describe("recordSample", () => {
  let gpu: Gpu;
  let recorder: Recorder;
  beforeAll(async () => {
    gpu = await openTestGpu();
    recorder = new Recorder(gpu);
  });

  /** One draw from given logits at the end of given tokens. */
  async function draw(logits: ArrayLike<number>, sampling: Partial<Sampling>, window: number[] = []): Promise<number> {
    const bench = createBench(gpu, logits.length, Uint32Array.from([...window, 0xffffffff]));
    gpu.device.queue.writeBuffer(bench.logits, 0, Float32Array.from(logits));
    recorder.submit((step) => recordSample(step, bench, { ...plain, ...sampling }, window.length));
    const [sampled = NaN] = new Uint32Array(await readBuffer(gpu, bench.sampled));
    const tokens = new Uint32Array(await readBuffer(gpu, bench.tokens));
    expect([...tokens]).toEqual([...window, sampled]);
    bench.dispose();
    return sampled;
  }

  const random = createRandom(20_250_901);
  it.each([
    [1, 10],
    [2, 20],
    [7, 60],
    [255, 60],
    [1000, 40],
    [4097, 20],
    [49_152, 3],
  ])(
    "draws the reference's ids from %i logits",
    async (size, casesEach) => {
      const stride = 128;
      const cases = Object.values(distributions(random)).flatMap((make) =>
        Array.from({ length: casesEach }, () => ({ logits: make(size), sampling: randomSampling(random, size) })),
      );
      const tokens = Uint32Array.from({ length: cases.length * stride }, () => random.integer(Math.min(size, 200)));
      const bench = createBench(gpu, size, tokens);
      const positionOf = (index: number): number => index * stride + (index % stride);
      for (const [index, { logits, sampling }] of cases.entries()) {
        gpu.device.queue.writeBuffer(bench.logits, 0, logits);
        recorder.submit((step) => recordSample(step, bench, sampling, positionOf(index)));
      }
      const drawn = new Uint32Array(await readBuffer(gpu, bench.tokens));
      bench.dispose();

      let ambiguous = 0;
      const wrong = cases.flatMap(({ logits, sampling }, index) => {
        const position = positionOf(index);
        // Later draws see what earlier ones wrote.
        const { id, accepted } = sampleReference({ logits, tokens: drawn, sampling, position });
        const found = drawn[position] ?? NaN;
        if (accepted.length > 1) ambiguous++;
        return accepted.includes(found) ? [] : [{ found, id, accepted, sampling }];
      });
      expect(wrong).toEqual([]);
      // Rounding may decide at most one draw in two hundred.
      expect(ambiguous).toBeLessThanOrEqual(Math.max(1, cases.length * 0.005));
    },
    slowAdapter,
  );

  it(
    "draws each id as often as its probability says",
    async () => {
      const size = 300;
      const draws = 20_000;
      const perStep = 50;
      const logits = random.normals(size, 1.5);
      const bench = createBench(gpu, size, new Uint32Array(draws));
      gpu.device.queue.writeBuffer(bench.logits, 0, logits);
      const sampling = { ...plain, temperature: 0.8, seed: 7 };
      for (let first = 0; first < draws; first += perStep) {
        recorder.submit((step) => {
          for (let position = first; position < first + perStep; position++) recordSample(step, bench, sampling, position);
        });
      }
      const drawn = new Uint32Array(await readBuffer(gpu, bench.tokens));
      bench.dispose();

      const masses = [...logits].map((logit) => Math.exp(logit / sampling.temperature));
      const total = masses.reduce((a, b) => a + b, 0);
      const { statistic, degrees } = chiSquare(
        drawn,
        masses.map((mass) => (mass / total) * draws),
      );
      // Chi-square is nearly normal here; one seed in a million is five standard deviations off.
      expect(Math.abs(statistic - degrees) / Math.sqrt(2 * degrees)).toBeLessThan(5);
      // Neighbouring positions are independent: both draw a likely id as often as the product says.
      const likely = [...drawn].map((id) => (logits[id] ?? 0) > 1);
      const share = likely.filter(Boolean).length / draws;
      const both = likely.filter((is, index) => is && likely[index - 1]).length / draws;
      expect(Math.abs(both - share ** 2)).toBeLessThan(5 * Math.sqrt((share ** 2 * (1 - share ** 2)) / draws));
    },
    slowAdapter,
  );

  it("repeats itself for one seed and differs for another, whatever shares the submit", async () => {
    const size = 5000;
    const positions = Array.from({ length: 40 }, (_, index) => index);
    const bench = createBench(gpu, size, new Uint32Array(positions.length));
    gpu.device.queue.writeBuffer(bench.logits, 0, random.normals(size));
    const run = async (seed: number, perStep: number): Promise<number[]> => {
      for (let first = 0; first < positions.length; first += perStep) {
        recorder.submit((step) => {
          for (const position of positions.slice(first, first + perStep))
            recordSample(step, bench, { ...plain, seed, topK: 3000, topP: 0.99 }, position);
        });
      }
      return [...new Uint32Array(await readBuffer(gpu, bench.tokens))];
    };
    const together = await run(11, 20);
    expect(await run(11, 1)).toEqual(together);
    const other = await run(12, 20);
    expect(other.filter((id, index) => id === together[index]).length).toBeLessThan(3);
    bench.dispose();
  });

  it("takes the lowest id of equal logits when greedy", async () => {
    expect(await draw([1, 5, 5, 2], { temperature: 0 })).toBe(1);
    expect(await draw(new Float32Array(5000).with(4500, -0), { temperature: 0 })).toBe(0);
  });

  it("penalises an id once, however often the window holds it", async () => {
    const greedy = { temperature: 0, repetitionPenalty: 2 };
    expect(await draw([4, 1.5, 1], greedy, [0, 0, 0])).toBe(0);
    expect(await draw([4, 2.5, 1], greedy, [0, 0, 0])).toBe(1);
    expect(await draw([-4, -7, -9], greedy, [0, 0])).toBe(1);
    expect(await draw([4, 2.5, 1], { ...greedy, penaltyWindow: 2 }, [0, 1, 2])).toBe(0);
  });

  it("answers id 0 where nothing can be drawn", async () => {
    for (const nothing of [NaN, -Infinity]) {
      for (const sampling of [{ temperature: 0 }, {}, { topK: 2 }, { topP: 0.5 }, { topK: 3, topP: 0.5, minP: 0.1 }]) {
        expect(await draw(new Float32Array(3000).fill(nothing), sampling)).toBe(0);
        expect(await draw(new Float32Array(3000).fill(nothing).with(2999, -4), sampling)).toBe(2999);
      }
    }
  });

  it("keeps the ties of the last token kept", async () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 40; seed++) seen.add(await draw([3, 1, 2, 2, 2], { topK: 2, seed }));
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 2, 3, 4]);
  });

  it("needs two dispatches, and a third for top-k and top-p", async () => {
    const dispatches = async (sampling: Partial<Sampling>): Promise<number> => {
      await draw([1, 2, 3], sampling);
      return recorder.dispatches;
    };
    expect(await dispatches({ temperature: 0, topK: 2, topP: 0.5 })).toBe(2);
    expect(await dispatches({ minP: 0.1 })).toBe(2);
    expect(await dispatches({ topK: 3 })).toBe(2);
    expect(await dispatches({ topK: 2 })).toBe(3);
    expect(await dispatches({ topP: 0.9 })).toBe(3);
  });
});

/** Pearson's statistic over the ids that are expected at least five times, the others taken together. */
function chiSquare(drawn: Uint32Array, expected: number[]): { statistic: number; degrees: number } {
  const found = new Float64Array(expected.length);
  for (const id of drawn) found[id] = (found[id] ?? 0) + 1;
  const rare = { found: 0, expected: 0 };
  let statistic = 0;
  let cells = 0;
  for (const [id, mean] of expected.entries()) {
    if (mean < 5) {
      rare.expected += mean;
      rare.found += found[id] ?? 0;
      continue;
    }
    statistic += ((found[id] ?? 0) - mean) ** 2 / mean;
    cells++;
  }
  if (rare.expected >= 5) {
    statistic += (rare.found - rare.expected) ** 2 / rare.expected;
    cells++;
  }
  return { statistic, degrees: cells - 1 };
}
