import { pageTokens } from "../page.ts";

/** What changes from step to step: shaders/lib/step.wgsl. */
export interface StepNumbers {
  /** Rows. */
  tokens: number;
  /** Absolute position of the first row. */
  position: number;
  /** Query rotations in the step's table. */
  rotations: number;
  /** Of `splitsOf`. */
  splits: number;
  headSize: number;
  /** Of a step that selects: runs of a KV head, and how far back a candidate is met at the fixed distance; Infinity where none is. */
  runs?: number;
  farFrom?: number;
}

/** The words of the Step uniform. */
export function stepWords({
  tokens,
  position,
  rotations,
  splits,
  headSize,
  runs = 0,
  farFrom = Infinity,
}: StepNumbers): Uint32Array<ArrayBuffer> {
  return Uint32Array.of(tokens, position, rotations, splits, headSize, pageTokens, runs, Math.min(farFrom, 0xffff_ffff));
}
