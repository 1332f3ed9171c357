import { expect, test } from "vitest";
import type { WeightsProgress } from "../src/contract.ts";
import { ProgressReporter, RateMeter } from "../src/progress.ts";

test("the rate is unknown, hence 0, before the first bytes", () => {
  expect(new RateMeter().rate).toBe(0);
});

test("a steady rate is told from the first measurement on", () => {
  const meter = new RateMeter();
  for (let i = 0; i < 5; i += 1) {
    meter.add(2_000_000, 0.2);
    expect(meter.rate).toBeCloseTo(10_000_000, 3);
  }
});

test("a change of rate is followed within seconds and smoothed below one", () => {
  const meter = new RateMeter();
  for (let i = 0; i < 50; i += 1) meter.add(2_000_000, 0.2);
  meter.add(0, 0.2);
  expect(meter.rate).toBeGreaterThan(9_000_000);
  for (let i = 0; i < 75; i += 1) meter.add(200_000, 0.2);
  expect(meter.rate).toBeGreaterThan(1_000_000);
  expect(meter.rate).toBeLessThan(1_100_000);
});

test("measurements of no time at all do not break the rate", () => {
  const meter = new RateMeter();
  meter.add(1000, 0);
  expect(meter.rate).toBe(0);
  meter.add(1000, 1);
  expect(meter.rate).toBeGreaterThan(1000);
  expect(meter.rate).toBeLessThanOrEqual(2000);
});

/** A reporter with a clock that the test sets, and what it reported. */
function reporter() {
  const clock = { now: 1000 };
  const reports: WeightsProgress[] = [];
  const progress = new ProgressReporter(
    (report) => reports.push(report),
    () => clock.now,
  );
  return { clock, reports, progress };
}

test("progress is reported at the start, five times a second, and at the end", () => {
  const { clock, reports, progress } = reporter();
  progress.begin("download", 0, 1000);
  for (let loaded = 1; loaded <= 1000; loaded += 1) {
    clock.now += 1;
    progress.update(loaded);
  }
  expect(reports.map(({ loaded }) => loaded)).toEqual([0, 200, 400, 600, 800, 1000]);
  expect(reports.at(-1)?.rate).toBeCloseTo(1000);
});

test("bytes that were there already do not count as speed", () => {
  const { clock, reports, progress } = reporter();
  progress.begin("verify", 0, 500);
  progress.begin("download", 500, 1000);
  clock.now += 1000;
  progress.update(600);
  expect(reports).toEqual([
    { phase: "verify", loaded: 0, total: 500, rate: 0 },
    { phase: "download", loaded: 500, total: 1000, rate: 0 },
    { phase: "download", loaded: 600, total: 1000, rate: 100 },
  ]);
});
