import type { KvPrecision, PageUsage, PolicyName } from "@longtab/attention";
import type { ClockName } from "../node/clock.ts";
import type { PartTime } from "../node/decode-profile.ts";
import type { Outcome } from "../report.ts";
import { median, medianRatio } from "../statistics.ts";

/** What context policies cost as a conversation grows, all in one process and on the same text. */
export interface ContextFigures {
  /** What it ran on, for people. */
  where: string;
  /** What milliseconds count. */
  clock: ClockName;
  /** How keys and values were stored. */
  precision: KvPrecision;
  /** Share of the KV heads that stream by the head map; left out where there was none, and the policies that ask for one did without. */
  streaming?: number;
  /** Tokens that the model was trained for. */
  trained: number;
  /** What keys and values of one token would take in f16, bytes. */
  tokenBytes: number;
  /** Tokens of the text that were read; behind them their keys and values were repeated. */
  read: number;
  prefill: PrefillFigures[];
  /** By policy, then by length. */
  cells: ContextCell[];
  fork: Outcome<ForkFigures>;
  snapshot: Outcome<SnapshotFigures>;
}

/** A part of the text, read into the cache behind what was there. */
export interface PrefillFigures {
  from: number;
  to: number;
  seconds: number;
}

/** One policy at one length. */
export interface ContextCell {
  policy: PolicyName;
  /** In the cache after the last step that was timed. */
  tokens: number;
  /** Of one token, each round's median. */
  milliseconds: number[];
  /** Of the pages that the policy keeps, with all that belongs to them. */
  kvBytes: number;
  pages: PageUsage;
  /** Where the time of a step goes, measured apart. */
  parts: PartTime[];
}

export interface ForkFigures {
  /** In the cache when it was forked. */
  tokens: number;
  milliseconds: number;
  /** Pages taken by the fork itself, and by the first step that writes to it. */
  pages: number;
  firstStepPages: number;
  /** KV heads of all layers. */
  heads: number;
}

/** A session as bytes in memory and back. */
export interface SnapshotFigures {
  tokens: number;
  bytes: number;
  writeSeconds: number;
  restoreSeconds: number;
  /** Copying as many bytes. */
  copySeconds: number;
}

export function cellOf({ cells }: Pick<ContextFigures, "cells">, policy: PolicyName, tokens: number): ContextCell | undefined {
  return cells.find((cell) => cell.policy === policy && cell.tokens === tokens);
}

export function policiesOf({ cells }: Pick<ContextFigures, "cells">): PolicyName[] {
  return [...new Set(cells.map(({ policy }) => policy))];
}

export function lengthsOf({ cells }: Pick<ContextFigures, "cells">): number[] {
  return [...new Set(cells.map(({ tokens }) => tokens))].toSorted((a, b) => a - b);
}

/** How many times as long a token takes in the first cell as in the second, round by round; NaN where one was not measured. */
export function timeRatio(cell: ContextCell | undefined, other: ContextCell | undefined): number {
  return medianRatio(cell?.milliseconds ?? [], other?.milliseconds ?? []);
}

/** What the pages take, as a share of what all tokens would in f16. */
export function memoryShare({ tokenBytes }: Pick<ContextFigures, "tokenBytes">, { kvBytes, tokens }: ContextCell): number {
  return kvBytes / (tokenBytes * tokens);
}

/** Share of a step that choosing what to read takes; NaN where the step was not taken apart. */
export function selectionShare({ parts }: ContextCell): number {
  const sum = (some: readonly PartTime[]): number => some.reduce((total, { milliseconds }) => total + milliseconds, 0);
  return parts.length === 0 ? Number.NaN : sum(parts.filter(({ name }) => name.startsWith("select"))) / sum(parts);
}

export function millisecondsOf({ milliseconds }: ContextCell): number {
  return median(milliseconds);
}

/** What writing and restoring take beyond a copy of the bytes. */
export function beyondCopy({ writeSeconds, restoreSeconds, copySeconds }: SnapshotFigures): { write: number; restore: number } {
  return { write: writeSeconds - copySeconds, restore: restoreSeconds - copySeconds };
}
