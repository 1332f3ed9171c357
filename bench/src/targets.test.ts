import { describe, expect, it } from "vitest";
import type { BrowserFigures } from "./browser/measure-browser.ts";
import { longtabOpen, longtabThreads, longtabWebGpu } from "./browser/modes.ts";
import { exampleFigures } from "./context/example.ts";
import type { Sample } from "./figures.ts";
import { decodeAt, gather, peakMemory, prefillOf, warmLoad } from "./figures.ts";
import type { Report } from "./report.ts";
import { judgeTargets } from "./targets.ts";

const report: Report = {
  machine: { date: "", platform: "", cpu: "", cores: 2, memoryBytes: 0, node: "", loadAverage: 0 },
  model: { file: "m.gguf", bytes: 0 },
  settings: {
    runs: 1,
    contexts: [128],
    decodeTokens: 16,
    contextLength: 4608,
    context: { policy: "auto", kv: undefined, headMap: undefined },
  },
};

const speeds = (decode: number, prefill: number, tokens = 128): Sample[] => [
  { name: prefillOf(tokens), unit: "tok/s", value: prefill },
  { name: decodeAt(tokens), unit: "tok/s", value: decode },
];
const entry = ({ name }: { name: string }, samples: Sample[]) => ({ name, measurements: gather([samples]) });

const webGpu: BrowserFigures = {
  executable: "chromium",
  where: {},
  entries: [entry(longtabWebGpu, speeds(9, 20)), entry(longtabWebGpu.peers[0], speeds(2, 10))],
  start: [{ toFirstTokenSeconds: 3, promptTokens: 18, rawSeconds: 1, aboveRawSeconds: 2 }],
  library: { state: "measured", library: 75, processor: 17 },
};

const processor: BrowserFigures = {
  ...webGpu,
  entries: [
    entry(longtabThreads, [
      { name: warmLoad, unit: "s", value: 1.2 },
      ...speeds(60, 200),
      ...speeds(20, 150, 1024),
      ...speeds(20, 100, 4096),
      { name: peakMemory, unit: "MB", value: 500 },
    ]),
    entry(longtabOpen, speeds(30, 100)),
    entry(longtabThreads.peers[0], [...speeds(10, 20), ...speeds(5, 20, 1024)]),
    entry(longtabOpen.peers[0], speeds(10, 20)),
  ],
  start: [],
};

const judge = (browser: BrowserFigures) =>
  judgeTargets({ ...report, browser: { state: "measured", ...browser } }).map(
    ({ what, measured, aim, met }) => `${what}: ${measured} of ${aim}, ${met ? "met" : "not met"}`,
  );

describe("judgeTargets", () => {
  it("judges nothing that was not measured", () => {
    expect(judgeTargets(report)).toEqual([]);
    expect(judgeTargets({ ...report, browser: { state: "skipped", reason: "no browser" } })).toEqual([]);
  });

  it("compares WebGPU with the peer on the same adapter, and with fixed limits", () => {
    expect(judge(webGpu)).toEqual([
      "decode at 128 of context: Longtab, WebGPU, against wllama, WebGPU: 4.50x of 3x, met",
      "prefill, 128 tokens: Longtab, WebGPU, against wllama, WebGPU: 2.00x of 3x, not met",
      "warm start to first token, above raw: 2.00 s of 1.5 s, not met",
      "library with its worker, gzip: 75.0 KB of 88 KB, met",
    ]);
  });

  it("compares the processor with the peer that has as many threads, at every context that both measured", () => {
    const [threads, peer] = [longtabThreads.name, longtabThreads.peers[0].name];
    expect(judge(processor)).toEqual([
      `prefill, 128 tokens: ${threads}, against ${peer}: 10.0x of 8x, met`,
      `prefill, 1024 tokens: ${threads}, against ${peer}: 7.50x of 8x, not met`,
      `decode at 128 of context: ${threads}, against ${peer}: 6.00x of 5x, met`,
      `decode at 1024 of context: ${threads}, against ${peer}: 4.00x of 6x, not met`,
      "decode at 128 of context: Longtab, cpu, not isolated, against wllama, WASM, not isolated: 3.00x of 4x, not met",
      "warm load on the processor: 1.20 s of 1.5 s, met",
      "peak memory of the page's process, on the processor: 500 MB of 450 MB, not met",
      "the processor's part, gzip: 17.0 KB of 40 KB, met",
      "library with its worker, gzip: 75.0 KB of 88 KB, met",
    ]);
  });

  it("judges how the default policy's costs grow, at the precision that was measured", () => {
    const judged = judgeTargets({ ...report, context: { state: "measured", ...exampleFigures } });
    expect(judged.map(({ what, measured, aim, met }) => `${what}: ${measured} of ${aim}, ${met ? "met" : "not met"}`)).toEqual([
      "auto: ms per token at 8192 / at 1024: 1.10x of 1.15x, met",
      "auto: ms per token at 32768 / at 8192: 1.14x of 1.10x, not met",
      "auto: kv8 pages at 8192, of dense f16: 41% of 42%, met",
      "auto: choosing what to read, of a step at 8192: 10% of 15%, met",
      "a snapshot of 8000 tokens, beyond a copy: 0.45 s of 1 s, met",
      "restoring 8000 tokens, beyond a copy: 1.15 s of 1 s, not met",
      "pages that a fork takes: 0 of 0, met",
    ]);
    const full = judgeTargets({ ...report, context: { state: "measured", ...exampleFigures, precision: "f16" } });
    expect(full.map(({ what }) => what).join()).not.toContain("of dense f16");
  });

  it("leaves the comparison out where the peer was not measured", () => {
    const alone = { ...webGpu, entries: webGpu.entries.slice(0, 1), start: [] };
    expect(judge(alone)).toEqual(["library with its worker, gzip: 75.0 KB of 88 KB, met"]);
  });
});
