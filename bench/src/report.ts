import type { AdapterReport } from "@longtab/gpu";
import type { BrowserFigures } from "./browser/measure-browser.ts";
import type { Entry } from "./contest.ts";
import type { Machine } from "./machine.ts";
import type { KernelFigures } from "./node/measure-kernels.ts";
import type { DecodeProfile } from "./node/profile-decode.ts";

/** A section's numbers, or why there are none. */
export type Outcome<T> = ({ state: "measured" } & T) | { state: "skipped"; reason: string };

/** Everything that a run of the bench found: what `--json` writes and what is printed. */
export interface Report {
  machine: Machine;
  model: { file: string; bytes: number };
  settings: { runs: number; contexts: number[]; decodeTokens: number; contextLength: number };
  kernels?: Outcome<KernelFigures>;
  node?: Outcome<NodeFigures>;
  browser?: Outcome<BrowserFigures>;
}

/** Longtab in Node, and llama.cpp beside it. The first entry is Longtab's. */
export interface NodeFigures {
  /** What Longtab ran on. */
  adapter: AdapterReport | undefined;
  entries: Entry[];
  /** GPU time of one decode step; or why there is none. */
  profile: Outcome<DecodeProfile>;
}

/** Runs a section; what goes wrong in it is its outcome, and the others go on. */
export async function attempt<T extends object>(section: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { state: "measured", ...(await section()) };
  } catch (error) {
    return { state: "skipped", reason: error instanceof Error ? error.message : String(error) };
  }
}
