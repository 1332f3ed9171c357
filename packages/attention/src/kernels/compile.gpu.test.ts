import { openDevice, Recorder } from "@longtab/gpu";
import { testBackend } from "@longtab/gpu/testing";
import { expect, test } from "vitest";
import type { CacheShape } from "../page.ts";
import { dense } from "../policies/dense.ts";
import { storageOf } from "../webgpu/storage.ts";
import { planAttention } from "./attention-plan.ts";
import { recordAttention } from "./attention.ts";
import { stepWords } from "./step.ts";

/** The largest that the kernels take, the smallest, and a common one. */
const shapes: CacheShape[] = [
  { layers: 1, heads: 32, kvHeads: 1, headSize: 256 },
  { layers: 1, heads: 1, kvHeads: 1, headSize: 8 },
  { layers: 1, heads: 9, kvHeads: 3, headSize: 64 },
];

test("every kernel compiles within the limits that every device has", async () => {
  const gpu = await openDevice({ gpu: testBackend("null"), defaultLimits: true });
  const any = gpu.createBuffer("any", 256, GPUBufferUsage.STORAGE);
  const selection = { scores: any, parts: any, selected: any, selectedHeads: any };
  const buffers = { qkv: any, rotations: any, queries: any, partials: any, y: any, selection };
  const bound = {
    keys: any,
    values: any,
    closed: any,
    entries: any,
    heads: any,
    slots: any,
    closings: any,
    hits: any,
    looks: any,
    turns: any,
  };
  let pipelines = 0;
  await new Recorder(gpu).prepare(
    (step) => {
      for (const shape of shapes) {
        for (const precision of ["f16", "kv8", "k8v4", "kv4"] as const) {
          for (const runTokens of [undefined, 4, 8, 16] as const) {
            const storage = storageOf(precision, runTokens);
            const plan = planAttention(shape, storage, dense, 16, false);
            const cache = { storage, ...bound };
            const far = { ...plan, selection: { ...plan.selection, meetsFar: true } };
            const uniform = step.uniform(stepWords({ tokens: 1, position: 0, rotations: 1, splits: 1, headSize: shape.headSize }));
            const closings = precision === "f16" && !runTokens ? 0 : 1;
            recordAttention(step, plan, cache, buffers, { tokens: 1, longest: 1, selects: false, closings, uniform });
            recordAttention(step, plan, cache, buffers, { tokens: 2, longest: 1, selects: false, closings, uniform });
            if (runTokens) recordAttention(step, far, cache, buffers, { tokens: 1, longest: 1, selects: true, closings, uniform });
          }
        }
      }
    },
    (done) => (pipelines = done),
  );
  // Of each shape at least one for each precision and length of runs.
  expect(pipelines).toBeGreaterThan(shapes.length * 16);
  gpu.dispose();
});
