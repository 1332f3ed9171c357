import type { Sampling } from "@longtab/engine";

/** Whether two requests draw alike. */
export function sameSampling(a: Sampling, b: Sampling): boolean {
  return a === b || (Object.keys(a) as (keyof Sampling)[]).every((name) => a[name] === b[name]);
}
