import type { AdapterReport } from "@longtab/gpu";

/** How the matrix products are laid over an adapter's lanes. Plain data: it can be kept for the next load on the same adapter. */
export interface MatmulTuning {
  readonly matvec: MatvecMapping;
  readonly matmul: MatmulMapping;
}

/** shaders/matvec.wgsl. */
export interface MatvecMapping {
  /** Invocations that share a group of rows; a power of two. */
  readonly lanes: number;
  /** Quads of rows in a group, at most 4. */
  readonly quads: number;
  /** Invocations of a workgroup. */
  readonly workgroup: number;
}

/** shaders/matmul.wgsl. */
export interface MatmulMapping {
  readonly workgroup: number;
}

/** A mapping that is right everywhere and good on adapters of this kind, without measuring. */
export function defaultTuning({ software }: AdapterReport): MatmulTuning {
  return software
    ? { matvec: { lanes: 2, quads: 1, workgroup: 16 }, matmul: { workgroup: 8 } }
    : { matvec: { lanes: 16, quads: 1, workgroup: 64 }, matmul: { workgroup: 64 } };
}
