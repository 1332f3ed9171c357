import type { PolicyName } from "@longtab/attention";
import type { ContextFigures } from "./figures.ts";

/** Figures as a run gives them, for tests of what is made of them. Dense grows, streaming does not, auto is between them. */
export const exampleFigures: ContextFigures = {
  where: "2 threads, relaxed SIMD; prompts are read by own",
  clock: "wall",
  precision: "kv8",
  streaming: 1 / 3,
  trained: 8192,
  tokenBytes: 23_040,
  read: 8000,
  prefill: [
    { from: 0, to: 1000, seconds: 10 },
    { from: 1000, to: 8000, seconds: 100 },
  ],
  cells: [
    ...cellsOf("dense", [
      [1024, 20, 14e6],
      [8192, 40, 113e6],
    ]),
    ...cellsOf("streaming", [
      [1024, 20, 14e6],
      [8192, 22, 28e6],
      [32_768, 22, 28e6],
    ]),
    ...cellsOf("auto", [
      [1024, 20, 13e6],
      [8192, 22, 78e6],
      [32_768, 25, 310e6],
    ]),
  ],
  fork: { state: "measured", tokens: 1000, milliseconds: 3, pages: 0, firstStepPages: 90, heads: 90 },
  snapshot: { state: "measured", tokens: 8000, bytes: 113e6, writeSeconds: 0.5, restoreSeconds: 1.2, copySeconds: 0.05 },
};

/** From tokens, milliseconds and bytes. */
function cellsOf(policy: PolicyName, places: readonly (readonly [number, number, number])[]): ContextFigures["cells"] {
  const pages = { sink: 90, recent: 90, kept: 90, away: 0, far: 0, quantised: 180, forgotten: 0 };
  return places.map(([tokens, milliseconds, kvBytes]) => ({
    policy,
    tokens,
    milliseconds: [milliseconds, milliseconds * 2],
    kvBytes,
    pages,
    parts: [
      { name: "selecting runs", calls: 30, milliseconds: policy === "auto" ? 1 : 0 },
      { name: "attention", calls: 30, milliseconds: 9 },
    ],
  }));
}
