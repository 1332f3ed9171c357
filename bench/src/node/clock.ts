/** Milliseconds since some moment. */
export type Clock = () => number;

export type ClockName = (typeof clockNames)[number];

/**
 * "processor" counts what this process computes, on all threads together: with one thread that is the time that a step would take on a machine
 * that does nothing else, which "wall" is not where others compute, too.
 */
export const clockNames = ["wall", "processor"] as const;

export function openClock(name: ClockName): Clock {
  if (name === "wall") return () => performance.now();
  return () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
}
