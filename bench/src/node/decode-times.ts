import type { Timeline } from "@longtab/engine";
import type { Clock } from "./clock.ts";
import { greedy } from "./run-longtab.ts";

/**
 * Milliseconds from one token to the next, with `ahead` steps under way while a token is read, as when text is written.
 * @throws what a step throws
 */
export async function decodeTimes(timeline: Timeline, count: number, ahead: number, clock: Clock): Promise<number[]> {
  const times: number[] = [];
  const underWay: Promise<number>[] = [];
  const submit = (): void => {
    const step = timeline.decode(greedy);
    // Of the steps behind one that failed nobody asks.
    step.catch(() => {});
    underWay.push(step);
  };
  let last = clock();
  for (let submitted = 0; times.length < count;) {
    for (; submitted < count && underWay.length <= ahead; submitted++) submit();
    await underWay.shift();
    const now = clock();
    times.push(now - last);
    last = now;
  }
  return times;
}
