import { pageTokens } from "@longtab/attention";
import type { Policy } from "@longtab/attention";
import type { Timeline } from "@longtab/engine";
import type { ContextCell, ContextFigures } from "../context/figures.ts";
import { attempt } from "../report.ts";
import { mean, median } from "../statistics.ts";
import { openClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { meanTimes, medianTimes } from "./decode-profile.ts";
import type { PartTime } from "./decode-profile.ts";
import { decodeTimes } from "./decode-times.ts";
import { measureFork } from "./measure-fork.ts";
import { openContext } from "./open-context.ts";
import type { ContextInput } from "./open-context.ts";
import { pagesBytes } from "./page-bytes.ts";
import { readText } from "./read-text.ts";
import type { Mark } from "./read-text.ts";
import { describePlace, greedy } from "./run-longtab.ts";
import { openStepClock } from "./step-clock.ts";

/** Steps before those that count: a fork's first ones write its lists and own pages. */
const warmUp = 4;

/** A policy at a length. */
interface Place extends Mark {
  policy: Policy;
}

/**
 * Reads one text once and forks a timeline of each policy where it has the asked lengths. Policies and lengths take turns in every round, so
 * that what else the machine does meets them all alike.
 */
export async function measureContext(input: ContextInput): Promise<ContextFigures> {
  const opened = await openContext(input);
  const clock = openClock(input.clock);
  const { backend, config, policies, streaming } = opened;
  const { layers, kvHeads, headSize } = backend.pool.shape;
  if (backend.kind === "cpu") backend.drafts = false;
  const { marks, prefill, snapshot } = await readText(opened, input, warmUp + input.decodeTokens, clock);
  const places = policies.flatMap((policy) =>
    marks
      .filter(({ tokens }) => policy.endless || tokens <= config.contextLength)
      .map((mark) => ({ place: { ...mark, policy }, cell: emptyCell(policy, mark) })),
  );
  for (let round = 0; round < input.rounds; round++) {
    for (const { cell, place } of places) {
      await withFork(place, clock, async (fork, milliseconds) => {
        const times = await decodeTimes(fork, input.decodeTokens, backend.stepsAhead(milliseconds / 1000), clock);
        cell.milliseconds.push(median(byPage(times).map(mean)));
        cell.pages = fork.pages();
        cell.kvBytes = pagesBytes(backend, cell.pages);
      });
    }
  }
  const fork = await attempt(async () =>
    measureFork(backend.pool, (marks.find(({ tokens }) => tokens >= 1024) ?? (marks[0] as Mark)).timeline),
  );
  // Last, because steps that are taken apart take longer.
  const stepClock = openStepClock(backend, clock);
  if (stepClock) {
    for (const { cell, place } of places) {
      await withFork(place, clock, async (timeline) => {
        const steps: PartTime[][] = [];
        for (let step = 0; step < input.decodeTokens; step++) steps.push(await stepClock.time(async () => timeline.decode(greedy)));
        cell.parts = medianTimes(byPage(steps).map(meanTimes));
      });
    }
  }
  const where = describePlace(backend);
  const precision = backend.kvPrecision;
  backend.dispose();
  return {
    where,
    clock: input.clock,
    precision,
    ...(streaming !== undefined && { streaming }),
    trained: config.contextLength,
    tokenBytes: layers * kvHeads * headSize * 2 * 2,
    read: Math.min(input.read, Math.max(...input.lengths)),
    prefill,
    cells: places.map(({ cell }) => cell),
    fork,
    snapshot,
  };
}

/** Steps are not alike, pages of them are: the step that fills a page closes it, and some steps rank pages that the others go by. */
function byPage<T>(steps: readonly T[]): T[][] {
  const pages = Math.max(1, Math.floor(steps.length / pageTokens));
  return Array.from({ length: pages }, (_, page) => steps.slice(page * pageTokens, (page + 1) * pageTokens));
}

function emptyCell({ name }: Policy, { tokens, timeline }: Mark): ContextCell {
  return { policy: name, tokens, milliseconds: [], kvBytes: 0, pages: timeline.pages(), parts: [] };
}

/** A timeline of the place's policy that has taken its first steps, and what the later of them took. */
async function withFork(
  { policy, timeline }: Place,
  clock: Clock,
  use: (fork: Timeline, milliseconds: number) => Promise<void>,
): Promise<void> {
  const fork = timeline.fork(policy);
  try {
    const times = await decodeTimes(fork, warmUp, 0, clock);
    await use(fork, median(times.slice(1)));
  } finally {
    fork.dispose();
  }
}
