import { it } from "vitest";
import { createRandom } from "../../../formats/src/testing/random.ts";
import { readBuffer, Recorder, Profiler } from "@longtab/gpu";
import { openTestGpu } from "@longtab/gpu/testing";
import { createSamplerScratch, recordSample } from "./sample.ts";
import * as fs from "node:fs";
const log = (s: string) => fs.appendFileSync("/tmp/zz.log", `${s}\n`);
it("times", async () => {
  const gpu = await openTestGpu();
  const recorder = new Recorder(gpu);
  const V = Number(process.env.V ?? 49152);
  const random = createRandom(1);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const b = { logits: gpu.createBuffer("a", V * 4, usage), tokens: gpu.createBuffer("b", 40000, usage), sampled: gpu.createBuffer("c", 4, usage), scratch: createSamplerScratch(gpu, V), vocabularySize: V };
  const base = { temperature: 0.7, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1.1, penaltyWindow: 64, seed: 1 };
  const cpu0 = process.cpuUsage().user, t0 = performance.now();
  recorder.submit((step) => recordSample(step, b, { ...base, topK: 40 }, 0));
  await readBuffer(gpu, b.sampled);
  log(`compile ${((process.cpuUsage().user - cpu0) / 1e3).toFixed(0)} ms cpu, ${(performance.now() - t0).toFixed(0)} ms wall`);
  const logits = { normal3: random.normals(V, 3), model: random.normals(V, 2.5).map((x, i) => x + 6 + (i % 997 === 5 ? 6 : 0)), flat: new Float32Array(V) };
  const samplings = { greedy: { ...base, temperature: 0 }, plain: base, minp: { ...base, minP: 0.05 }, "k40": { ...base, topK: 40 }, "k40p95m": { ...base, topK: 40, topP: 0.95, minP: 0.05 }, p95: { ...base, topP: 0.95 }, "T2 k20000 p99": { ...base, temperature: 2, topK: 20000, topP: 0.99 } };
  const empty: number[] = [];
  for (let r = 0; r < 12; r++) { const t = performance.now(); await readBuffer(gpu, b.sampled); empty.push(performance.now() - t); }
  for (const [ln, l] of Object.entries(logits)) {
    gpu.device.queue.writeBuffer(b.logits, 0, l);
    for (const [sn, s] of Object.entries(samplings)) {
      const times: number[] = [];
      for (let r = 0; r < 15; r++) {
        const t = performance.now();
        recorder.submit((step) => { for (let i = 0; i < 10; i++) recordSample(step, b, s, 100 + i); });
        await readBuffer(gpu, b.sampled);
        times.push((performance.now() - t) / 10);
      }
      times.sort((a, c) => a - c);
      let prof = "";
      const p = Profiler.create(gpu);
      if (p) { recorder.profiler = p; recorder.submit((step) => recordSample(step, b, s, 100)); prof = (await p.read()).map((k) => `${k.name.slice(7)} ${k.milliseconds.toFixed(2)}`).join(" "); recorder.profiler = undefined; p.dispose(); }
      log(`${ln} ${sn}: min ${times[0]!.toFixed(2)} median ${times[7]!.toFixed(2)} ms | ${prof}`);
    }
  }
});
