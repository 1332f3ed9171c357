import type { AdapterReport } from "@longtab/gpu";

/** How the matrix products are laid over an adapter's lanes. Plain data: it can be kept for the next load on the same adapter. */
export interface MatmulTuning {
  readonly matvec: MatvecMapping;
  readonly matmul: MatmulMapping;
}

export type MatvecMapping =
  | {
      /** shaders/matvec.wgsl: lanes of one workgroup share a quad of rows. */
      readonly subgroups: false;
      /** Invocations that share a quad; a power of two that divides the workgroup. */
      readonly lanes: number;
      readonly workgroup: number;
    }
  | {
      /** shaders/matvec_subgroup.wgsl: an invocation has its own quad of rows, and a subgroup shares x. */
      readonly subgroups: true;
      readonly workgroup: number;
    };

/** shaders/matmul.wgsl, with or without a subgroup sharing x. */
export interface MatmulMapping {
  readonly subgroups: boolean;
  readonly workgroup: number;
}

/** x is handed round in eight parts (lib/x_shuffled.wgsl). */
const leastSubgroup = 8;

/**
 * The mapping for adapters of this kind, without measuring. A CPU that plays a GPU pays for each load, whoever shares it: subgroups spare most loads
 * of x. Real GPUs want many threads, and neighbouring ones at neighbouring addresses.
 */
export function defaultTuning({ software, features, subgroupMinSize }: AdapterReport): MatmulTuning {
  const subgroups = features.subgroups && subgroupMinSize >= leastSubgroup;
  if (software) {
    return subgroups
      ? { matvec: { subgroups, workgroup: 16 }, matmul: { subgroups, workgroup: 16 } }
      : { matvec: { subgroups, lanes: 1, workgroup: 8 }, matmul: { subgroups, workgroup: 8 } };
  }
  return { matvec: { subgroups: false, lanes: 16, workgroup: 64 }, matmul: { subgroups: false, workgroup: 64 } };
}
