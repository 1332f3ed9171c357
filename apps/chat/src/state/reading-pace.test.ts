import { expect, test } from "vitest";
import { ReadingPace } from "./reading-pace.ts";

test("a first report has no rate, a steady pace gives rate and time left", () => {
  const pace = new ReadingPace();
  expect(pace.report(0, 1000, 0)).toEqual({ done: 0, total: 1000 });
  expect(pace.report(10, 1000, 100)).toEqual({ done: 10, total: 1000 });
  expect(pace.report(100, 1000, 1000)).toEqual({ done: 100, total: 1000, rate: 100, secondsLeft: 9 });
});

test("the rate is that of the last seconds, because later parts take longer", () => {
  const pace = new ReadingPace();
  for (let second = 0; second <= 20; second++) pace.report(second * 100, 10_000, second * 1000);
  for (let second = 21; second <= 40; second++) pace.report(2000 + (second - 20) * 50, 10_000, second * 1000);
  expect(pace.report(3000, 10_000, 40_000)).toMatchObject({ rate: 50, secondsLeft: 140 });
});

test("where nothing was read for long there is no rate", () => {
  const pace = new ReadingPace();
  pace.report(0, 100, 0);
  expect(pace.report(0, 100, 60_000)).toEqual({ done: 0, total: 100 });
});
