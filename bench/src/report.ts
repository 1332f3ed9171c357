import type { ContextFigures } from "./context/figures.ts";
import type { ContextChoice } from "./options.ts";
import type { BrowserFigures } from "./browser/measure-browser.ts";
import type { SessionFigures } from "./browser/measure-session.ts";
import type { Entry } from "./contest.ts";
import type { Machine } from "./machine.ts";
import type { DecodeProfile } from "./node/decode-profile.ts";
import type { DraftFigures } from "./node/measure-drafts.ts";
import type { KernelFigures } from "./node/measure-kernels.ts";
import type { CpuProductFigures } from "./node/measure-products.ts";

/** A section's numbers, or why there are none. */
export type Outcome<T> = ({ state: "measured" } & T) | { state: "skipped"; reason: string };

/** Everything that a run of the bench found: what `--json` writes and what is printed. */
export interface Report {
  machine: Machine;
  model: { file: string; bytes: number };
  settings: { runs: number; contexts: number[]; decodeTokens: number; contextLength: number; context: ContextChoice };
  /** On a graphics card. */
  kernels?: Outcome<KernelFigures>;
  /** On the processor, with each of its instruction sets. */
  products?: Outcome<CpuProductFigures>[];
  node?: Outcome<NodeFigures>;
  context?: Outcome<ContextFigures>;
  session?: Outcome<SessionFigures>;
  browser?: Outcome<BrowserFigures>;
}

/** Longtab in Node, and llama.cpp beside it. */
export interface NodeFigures {
  /** Names of the entries that are Longtab's. */
  own: string[];
  /** What those ran on, for people. */
  where: Record<string, string>;
  entries: Entry[];
  profile: Outcome<{ steps: DecodeProfile[] }>;
  /** Of the processor. */
  drafts?: Outcome<{ texts: DraftFigures[] }>;
}

/** Runs a section; what goes wrong in it is its outcome, and the others go on. */
export async function attempt<T extends object>(section: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { state: "measured", ...(await section()) };
  } catch (error) {
    return { state: "skipped", reason: error instanceof Error ? error.message : String(error) };
  }
}
