import { pageTokens, pagesFor } from "../page.ts";

export type PolicyName = "dense" | "streaming" | "duo" | "quest" | "duo+quest" | "far" | "auto";

/**
 * A policy decides what attention reads. It says, for every KV head, which tokens stay visible and which are kept; the cache writes the page
 * lists that follow (lists.ts), and the kernels read whatever is on the list. Policies know positions, nothing of pages or GPUs.
 */
export interface Policy {
  readonly name: PolicyName;
  /** Whether a timeline may go on past the model's trained window. */
  readonly endless: boolean;
  /** Rows before this position see everything, in every head. */
  readonly denseUntil: number;
  rule(layer: number, kvHead: number): HeadRule;
  /**
   * Positions that the query of the row at `position` is rotated at; the first is its own, the second is where sinks are met from, the
   * third is the fixed distance of far pages. Those that a position does not need are left out.
   */
  rotations(position: number): readonly number[];
  /** What decode steps read of the heads whose rule selects. */
  readonly selection: Selection | undefined;
}

/** What one KV head sees and keeps; in tokens. A page is seen whole when one of its tokens is, sinks excepted. */
export interface HeadRule {
  /** First tokens, which stay visible. */
  sinks: number;
  /** Last tokens that a row at `from` or later sees beside the sinks: those of its own page and of `recent` / 16 pages before; whole pages. */
  recent: number;
  /** Position from which on rows see sinks and recents only; Infinity where every row sees everything. */
  from: number;
  /** Last tokens that are kept; pages behind them, but for sinks, go back to the pool once rows at `from` are read. Infinity keeps all. */
  keeps: number;
  /** Of those, the last that are always in the pool; older ones may be away. What `keeps` says where none are. */
  resident: number;
  /** Tokens of those that were away and may be in the pool too because steps look at them. */
  returns: number;
  /** Whether decode steps read a selection of what is kept. */
  selects: boolean;
}

/** What `select` takes from a list: the best runs of the candidates, beside sinks and recents. */
export interface Selection {
  /** Runs per KV head. */
  runs: number;
  /** Tokens of a run: 4 where pages were boxed by quarters, 16 for the rule of the Quest paper. */
  runTokens: 4 | 8 | 16;
  /** Tokens at the beginning and at the end of a list that are always read; the last page, which is open, counts among the recents. */
  sinks: number;
  recent: number;
  /** Steps that go by one selection; a divisor of 16, so that it never outlives the pages that are always read. */
  every: 1 | 2 | 4 | 8 | 16;
  /** Position from which on decode steps select; those before read everything. */
  from: number;
  /** In rows at `farStart` and later candidates further back than `farFrom` are met at `farDistance`; Infinity where none are. */
  farStart: number;
  farFrom: number;
  farDistance: number;
  /** Position from which on the rows of a step of many see less than a step of one row reaches; Infinity where they never do. */
  reachesFrom: number;
}

/** Rows at the end of a prompt, the question as a rule, that are worth a step of their own each where that reaches further. */
const reachingRows = 32;

/** Last tokens of a prompt of `length` tokens in all that are to be read one at a time. */
export function rowsApart({ selection }: Policy, length: number): number {
  return selection && length > selection.reachesFrom ? Math.min(reachingRows, length - selection.reachesFrom) : 0;
}

/** A head that keeps and sees everything. */
export const everything: HeadRule = {
  sinks: 0,
  recent: 0,
  from: Infinity,
  keeps: Infinity,
  resident: Infinity,
  returns: 0,
  selects: false,
};

/** Whether a policy meets pages at a fixed distance, past the trained window. */
export function meetsFar({ selection }: Policy): boolean {
  return selection !== undefined && Number.isFinite(selection.farFrom);
}

/** How far back the candidates are that the row at `position` meets at the fixed distance. */
export function farFromAt({ farStart, farFrom }: Pick<Selection, "farStart" | "farFrom">, position: number): number {
  return position >= farStart ? farFrom : Infinity;
}

/** Index of the first page that a row sees beside the sinks. */
export function windowPage({ recent, from }: HeadRule, position: number): number {
  return position < from ? 0 : Math.max(0, Math.floor(position / pageTokens) - recent / pageTokens);
}

/** Index of the first page that is kept, beside the sinks, for rows at `position` and later. */
export function keptPage({ keeps, from }: HeadRule, position: number): number {
  return position < from ? 0 : Math.max(0, Math.floor(position / pageTokens) - Math.ceil(keeps / pageTokens));
}

/** Whether pages of a head may be away. */
export function movesAway({ keeps, resident }: HeadRule): boolean {
  return resident < keeps;
}

/** Index of the first page, behind the sinks, that is in the pool whatever steps look at, for rows at `position` and later. */
export function residentPage({ resident, from }: HeadRule, position: number): number {
  return position < from ? 0 : Math.max(0, Math.floor(position / pageTokens) - Math.ceil(resident / pageTokens));
}

/** Room for budgets of timelines that have a policy of their own. */
const leastEntries = 512;

/** Entries that there is room for in a selected list, where all of it is runs. */
export function selectedCapacity({ runs, runTokens, sinks, recent }: Selection): number {
  return Math.max(leastEntries, runs + (pagesFor(sinks) + Math.max(1, pagesFor(recent))) * (pageTokens / runTokens));
}
