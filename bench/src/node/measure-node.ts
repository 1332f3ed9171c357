import type { BackendKind } from "longtab";
import type { Contestant } from "../contest.ts";
import { compete } from "../contest.ts";
import type { NodeFigures } from "../report.ts";
import { attempt } from "../report.ts";
import { inChild } from "./child.ts";
import type { DraftFigures } from "./measure-drafts.ts";
import type { Place, Simd } from "./open-backend.ts";
import { hasLlamaCpp } from "./run-llama-cpp.ts";
import type { RuntimeInput } from "./runtime-input.ts";

export interface NodeOptions {
  backend: BackendKind;
  rounds: number;
  /** Folder of the peers, or undefined to leave llama.cpp out. */
  peers: string | undefined;
  say: (text: string) => void;
}

/** The processor's instruction sets; an engine without the first says so, and is measured with the second. */
export const simds: readonly Simd[] = ["relaxed", "plain"];

interface NodeMode {
  name: string;
  place: Place;
}

/** Longtab in Node, llama.cpp beside it where that is wanted, and where Longtab's time goes. */
export async function measureNode(input: RuntimeInput, { backend, rounds, peers, say }: NodeOptions): Promise<NodeFigures> {
  const where: Record<string, string> = {};
  const modes: NodeMode[] =
    backend === "webgpu"
      ? [{ name: "Longtab, WebGPU", place: "webgpu" }]
      : simds.map((simd) => ({ name: processorName(simd), place: simd }));
  const contestants = modes.map(({ name, place }): Contestant => ({
    name,
    run: async (record) => {
      const run = await inChild("longtab", { ...input, place });
      where[name] = run.where;
      record(...run.samples);
    },
  }));
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
  const figures = { own: modes.map(({ name }) => name), where, entries };
  say("Longtab in Node, where the time of a step goes ...");
  if (backend === "webgpu") return { ...figures, profile: await attempt(async () => ({ steps: await inChild("profile-gpu", input) })) };
  const failed = new Set(entries.filter(({ failure }) => failure !== undefined).map(({ name }) => name));
  const [simd = "plain", ...others] = simds.filter((set) => !failed.has(processorName(set)));
  const profile = await attempt(async () => ({ steps: await inChild("profile-cpu", { ...input, simd }) }));
  say("Longtab in Node, with drafts and without ...");
  const drafts = await attempt(async () => {
    const texts: DraftFigures[] = [];
    for (const set of [simd, ...others]) texts.push(...(await inChild("drafts", { ...input, simd: set })));
    return { texts };
  });
  return { ...figures, profile, drafts };
}

const processorName = (simd: Simd): string => `Longtab, cpu, ${simd} SIMD`;

export function howToInstall(name: string): string {
  return `${name} is not installed: npm run bench -- --install-peers`;
}
