import type { AdapterReport } from "@longtab/gpu";
import type { Contestant } from "../contest.ts";
import { compete } from "../contest.ts";
import type { NodeFigures } from "../report.ts";
import { attempt } from "../report.ts";
import { inChild } from "./child.ts";
import { hasLlamaCpp } from "./run-llama-cpp.ts";
import type { RuntimeInput } from "./runtime-input.ts";

export interface NodeOptions {
  rounds: number;
  /** Folder of the peers, or undefined to leave llama.cpp out. */
  peers: string | undefined;
  say: (text: string) => void;
}

/** Longtab in Node, llama.cpp beside it where that is wanted, and where Longtab's time goes. */
export async function measureNode(input: RuntimeInput, { rounds, peers, say }: NodeOptions): Promise<NodeFigures> {
  let adapter: AdapterReport | undefined;
  const contestants: Contestant[] = [
    {
      name: "Longtab",
      run: async (record) => {
        const run = await inChild("longtab", input);
        adapter = run.adapter;
        record(...run.samples);
      },
    },
  ];
  if (peers !== undefined) {
    contestants.push({
      name: "llama.cpp",
      run: async (record) => {
        if (!hasLlamaCpp(peers)) throw new Error(howToInstall("node-llama-cpp"));
        record(...(await inChild("llama.cpp", { ...input, peers })));
      },
    });
  }
  const entries = await compete(contestants, rounds, (name, round) => say(`${name} in Node, round ${round} of ${rounds} ...`));
  say("Longtab in Node, GPU time by kernel ...");
  const profile = await attempt(async () => {
    const found = await inChild("profile", input);
    if (found === undefined) throw new Error("the adapter has no timestamp queries");
    return found;
  });
  return { adapter, entries, profile };
}

export function howToInstall(name: string): string {
  return `${name} is not installed: npm run bench -- --install-peers`;
}
