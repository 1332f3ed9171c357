import { describe } from "vitest";
import { describeAborts } from "./aborts.ts";
import { describeEndless } from "./endless.ts";
import { describeGeneration } from "./generation.ts";
import { describeLimits } from "./limits.ts";
import { describeLoading } from "./loading.ts";
import { describeMixedPrecision } from "./mixed-precision.ts";
import { describePolicies } from "./policies.ts";
import { describePolicySnapshots } from "./policy-snapshots.ts";
import { describeSessions } from "./sessions.ts";
import { describeSnapshots } from "./snapshots.ts";
import type { TestedBackend } from "./tiny.ts";
import { describeTimelines } from "./timelines.ts";

const parts = [
  describeLoading,
  describeTimelines,
  describePolicies,
  describeMixedPrecision,
  describeGeneration,
  describeEndless,
  describeSessions,
  describeLimits,
  describeAborts,
  describeSnapshots,
  describePolicySnapshots,
] satisfies ((tested: TestedBackend) => void)[];

/** The one behaviour of every backend, as tests of tiny models: what the engine and those who use it may rely on. */
export function describeBackend(name: string, tested: TestedBackend): void {
  // A block of its own for each part: their hooks are not one another's.
  for (const part of parts) {
    describe(`on ${name}`, () => {
      part(tested);
    });
  }
}
