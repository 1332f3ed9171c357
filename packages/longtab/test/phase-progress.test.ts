import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LoadProgress } from "../src/api.ts";
import { PhaseProgress } from "../src/phase-progress.ts";

let reports: LoadProgress[];
let progress: PhaseProgress;

beforeEach(() => {
  vi.useFakeTimers();
  reports = [];
  progress = new PhaseProgress((report) => reports.push(report));
});
afterEach(() => void vi.useRealTimers());

function reportAfter(
  ms: number,
  phase: LoadProgress["phase"],
  loaded: number,
  total = 1000,
  backend: LoadProgress["backend"] = "webgpu",
): LoadProgress | undefined {
  vi.advanceTimersByTime(ms);
  progress.report(phase, loaded, total, backend);
  return reports.at(-1);
}

describe("PhaseProgress", () => {
  it("reports the first and the last of a phase whenever they come", () => {
    reportAfter(0, "upload", 0);
    reportAfter(1, "upload", 1000);
    reportAfter(1, "shaders", 0, 40);
    reportAfter(1, "shaders", 40, 40);
    expect(reports.map(({ phase, loaded }) => [phase, loaded])).toEqual([
      ["upload", 0],
      ["upload", 1000],
      ["shaders", 0],
      ["shaders", 40],
    ]);
  });

  it("begins a phase again where the backend changes", () => {
    reportAfter(0, "upload", 0);
    reportAfter(1, "upload", 0, 1000, "cpu");
    expect(reports.map(({ backend, rate }) => [backend, rate])).toEqual([
      ["webgpu", 0],
      ["cpu", 0],
    ]);
  });

  it("thins out what comes in between to ten a second", () => {
    for (let loaded = 0; loaded < 1000; loaded++) reportAfter(1, "upload", loaded);
    expect(reports.length).toBeGreaterThanOrEqual(9);
    expect(reports.length).toBeLessThanOrEqual(11);
  });

  it("states neither rate nor time left before it can know", () => {
    expect(reportAfter(0, "upload", 0)).toEqual({ phase: "upload", backend: "webgpu", loaded: 0, total: 1000, rate: 0 });
    expect(reportAfter(150, "upload", 100)).toEqual({ phase: "upload", backend: "webgpu", loaded: 100, total: 1000, rate: 0 });
  });

  it("states bytes a second and the seconds until the phase ends", () => {
    reportAfter(0, "upload", 0);
    expect(reportAfter(2000, "upload", 500)).toMatchObject({ rate: 250, secondsLeft: 2 });
  });

  it("does not count what an earlier visit loaded", () => {
    reportAfter(0, "download", 800);
    expect(reportAfter(1000, "download", 900)).toMatchObject({ rate: 100, secondsLeft: 1 });
  });

  it("begins anew with every phase", () => {
    reportAfter(0, "download", 0);
    reportAfter(5000, "download", 1000);
    reportAfter(0, "upload", 0);
    expect(reportAfter(1000, "upload", 100)).toMatchObject({ rate: 100, secondsLeft: 9 });
  });
});
