import { pageTokens, pagesFor } from "../page.ts";
import type { CacheShape } from "../page.ts";
import { meetsFar, selectedCapacity } from "../policies/policy.ts";
import type { Policy } from "../policies/policy.ts";
import { closes } from "../webgpu/storage.ts";
import type { PageStorage } from "../webgpu/storage.ts";
import type { SelectionPlan } from "./selection.ts";

/** Invocations of attention_decode.wgsl: a split is one, two or four tokens for each. */
const decodeLanes = 64;

/** How the attention kernels are cut for one cache; constant while it lives. */
export interface AttentionPlan {
  shape: CacheShape;
  /** Runs of a page that selection tells apart; 0 where nothing selects. */
  boxRuns: PageStorage["boxRuns"];
  /** Tokens of a list that one workgroup of the decode kernel reads. */
  split: number;
  /** Splits of the longest list that it may read. */
  maxSplits: number;
  selection: SelectionPlan;
}

/** What decode attention reads in a step. */
export interface DecodeLists {
  /** Entries of the longest list. */
  longest: number;
  /** Whether it reads what is selected from the lists. */
  selects: boolean;
}

/** `storage`: of any layer, for what is asked of it they have in common. `listCapacity`: most pages on a list. */
export function planAttention(
  shape: CacheShape,
  storage: PageStorage,
  policy: Policy,
  listCapacity: number,
  software: boolean,
): AttentionPlan {
  // Hardware wants many workgroups, a CPU that plays a GPU few loads; reading codes four times over takes it too long to compile.
  const split = software ? decodeLanes * (closes(storage) ? 2 : 4) : decodeLanes;
  const { boxRuns } = storage;
  const selection = {
    pages: boxRuns > 0 ? listCapacity : 1,
    capacity: selectedEntries(shape, boxRuns, policy, listCapacity),
    meetsFar: meetsFar(policy),
  };
  const tokens = Math.max(listCapacity * pageTokens, selection.capacity * runTokens(boxRuns));
  return { shape, boxRuns, split, maxSplits: Math.ceil(tokens / split), selection };
}

/** f32 elements of the decode kernel's partial results: [heads, maxSplits, E + 2]. */
export function partialsLength({ shape, maxSplits }: AttentionPlan): number {
  return shape.heads * maxSplits * (shape.headSize + 2);
}

/** Splits of what decode attention reads: the `splits` of the Step uniform. */
export function splitsOf({ boxRuns, split, selection }: AttentionPlan, { longest, selects }: DecodeLists): number {
  const tokens = selects ? Math.min(longest * pageTokens, selection.capacity * runTokens(boxRuns)) : longest * pageTokens;
  return Math.max(1, Math.ceil(tokens / split));
}

function runTokens(boxRuns: number): number {
  return pageTokens / Math.max(1, boxRuns);
}

/** Entries of a selected list at most, each a run: of heads that select and of those whose lists are copied. Whole multiples of 256 bytes. */
function selectedEntries({ layers, kvHeads }: CacheShape, boxRuns: number, policy: Policy, listCapacity: number): number {
  const { selection } = policy;
  let most = selection ? selectedCapacity(selection) : 1;
  for (let layer = 0; layer < (selection ? layers : 0); layer++) {
    for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
      const { sinks, recent, from, selects } = policy.rule(layer, kvHead);
      const window = pagesFor(sinks) + pagesFor(recent) + 1;
      const copied = Number.isFinite(from) ? Math.min(listCapacity, Math.max(window, pagesFor(from))) : listCapacity;
      if (!selects) most = Math.max(most, copied * boxRuns);
    }
  }
  return Math.ceil(most / pageTokens) * pageTokens;
}
