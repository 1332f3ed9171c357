import { createRandom } from "@longtab/formats/testing";
import { defineKernel } from "@longtab/gpu";
import { openTestGpu, runKernel } from "@longtab/gpu/testing";
import { expect, it } from "vitest";
import randomWgsl from "../../../../shaders/lib/random.wgsl?raw";
import { gumbel, randomBits } from "./noise.ts";

const probe = defineKernel({
  name: "random_probe",
  source: [
    randomWgsl,
    `@group(0) @binding(0) var<storage, read> counters: array<vec4u>;
     @group(0) @binding(1) var<storage, read_write> bits: array<u32>;
     @group(0) @binding(2) var<storage, read_write> variates: array<f32>;
     @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
       let c = counters[id.x];
       bits[id.x] = random_bits(c.x, c.y, c.z);
       variates[id.x] = gumbel(c.w);
     }`,
  ],
  bindings: { counters: "read", bits: "read_write", variates: "read_write" },
  constants: [],
});

it("hashes and shapes noise as the reference does, in both tails", async () => {
  const random = createRandom(9);
  const extremes = [0, 1, 2, 2 ** 12, 2 ** 30 - 1, 2 ** 30, 2 ** 31, 2 ** 32 - 2 ** 8, 2 ** 32 - 2, 2 ** 32 - 1];
  // The fourth number is the gumbel's bits: the extremes, then small ones of every magnitude, which are the large variates.
  const counters = Array.from({ length: 4096 }, (_, index) => {
    const any = (): number => random.integer(2 ** 32);
    return [any(), any(), index, extremes[index] ?? any() >>> (index % 32)] as const;
  });
  const { bits, variates } = await runKernel(await openTestGpu(), {
    kernel: probe,
    constants: {},
    workgroups: [counters.length / 64],
    inputs: {
      counters: Uint32Array.from(counters.flat()),
      bits: new Uint32Array(counters.length),
      variates: new Float32Array(counters.length),
    },
  });

  expect([...new Uint32Array(bits)]).toEqual(counters.map(([x, y, z]) => randomBits(x, y, z)));
  const errors = [...new Float32Array(variates)].map((variate, index) => Math.abs(variate - gumbel(counters[index]?.[3] ?? 0)));
  expect(Math.max(...errors)).toBeLessThan(4e-6);
});
