import type { Measurement, Sample } from "./figures.ts";
import { gather } from "./figures.ts";

/** A runtime that can be measured, from a fresh start each time. */
export interface Contestant {
  readonly name: string;
  /** Records what it measures as it goes. @throws when it cannot run or go on; the message says why. */
  run(record: (...samples: Sample[]) => void): Promise<void>;
}

/** What the rounds found of one contestant. */
export interface Entry {
  name: string;
  measurements: Measurement[];
  /** Why it stopped taking part; its measurements are those made before. */
  failure?: string;
}

/**
 * Lets contestants take turns, so that what else the machine does meets them all alike: in every round each runs once, in order. One that fails
 * is not asked again, and the others go on.
 * @param onRun told what is about to run
 */
export async function compete(
  contestants: readonly Contestant[],
  rounds: number,
  onRun: (name: string, round: number) => void,
): Promise<Entry[]> {
  const entries = contestants.map((contestant) => ({ contestant, runs: [] as Sample[][], failure: undefined as string | undefined }));
  for (let round = 1; round <= rounds; round++) {
    for (const entry of entries) {
      if (entry.failure !== undefined) continue;
      onRun(entry.contestant.name, round);
      const samples: Sample[] = [];
      entry.runs.push(samples);
      try {
        await entry.contestant.run((...measured) => samples.push(...measured));
      } catch (error) {
        entry.failure = error instanceof Error ? error.message : String(error);
      }
    }
  }
  return entries.map(({ contestant: { name }, runs, failure }) => {
    const measurements = gather(runs);
    return failure === undefined ? { name, measurements } : { name, measurements, failure };
  });
}
