import { describe, expect, it } from "vitest";
import type { BrowserFigures } from "./browser/measure-browser.ts";
import type { Report } from "./report.ts";
import { judgeTargets, webGpuPeer } from "./targets.ts";

const report: Report = {
  machine: { date: "", platform: "", cpu: "", cores: 2, memoryBytes: 0, node: "", loadAverage: 0 },
  model: { file: "m.gguf", bytes: 0 },
  settings: { runs: 1, contexts: [128], decodeTokens: 8, contextLength: 4608 },
};

const entry = (name: string, decode: number, prefill: number) => ({
  name,
  measurements: [
    { name: "prefill, 128 tokens", unit: "tok/s" as const, values: [prefill] },
    { name: "decode at 128 of context", unit: "tok/s" as const, values: [decode] },
  ],
});

const browser: BrowserFigures = {
  executable: "chromium",
  adapter: undefined,
  entries: [entry("Longtab", 9, 20), entry(webGpuPeer, 2, 10)],
  start: [{ toFirstTokenSeconds: 3, promptTokens: 18, rawSeconds: 1, aboveRawSeconds: 2 }],
  library: { state: "measured", kilobytes: 75 },
};

describe("judgeTargets", () => {
  it("judges nothing that was not measured", () => {
    expect(judgeTargets(report)).toEqual([]);
    expect(judgeTargets({ ...report, browser: { state: "skipped", reason: "no browser" } })).toEqual([]);
  });

  it("compares with the peer on the same adapter, and with fixed limits", () => {
    expect(judgeTargets({ ...report, browser: { state: "measured", ...browser } })).toEqual([
      { what: "decode at 128 of context, against wllama, WebGPU", measured: "4.50x", aim: "3x", met: true },
      { what: "prefill, 128 tokens, against wllama, WebGPU", measured: "2.00x", aim: "3x", met: false },
      { what: "warm start to first token, above raw", measured: "2.00 s", aim: "1.5 s", met: false },
      { what: "library with its worker, gzip", measured: "75.0 KB", aim: "80 KB", met: true },
    ]);
  });

  it("leaves the comparison out where the peer was not measured", () => {
    const alone = { ...browser, entries: browser.entries.slice(0, 1), start: [] };
    expect(judgeTargets({ ...report, browser: { state: "measured", ...alone } }).map(({ what }) => what)).toEqual([
      "library with its worker, gzip",
    ]);
  });
});
