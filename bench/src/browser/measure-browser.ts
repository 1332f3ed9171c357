import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { Contestant, Entry } from "../contest.ts";
import { compete } from "../contest.ts";
import { howToInstall } from "../node/measure-node.ts";
import type { RuntimeInput } from "../node/runtime-input.ts";
import type { Outcome } from "../report.ts";
import { attempt } from "../report.ts";
import type { LibrarySizes } from "./library-size.ts";
import { measureLibrary } from "./library-size.ts";
import type { LongtabMode, WllamaMode } from "./modes.ts";
import { longtabModes } from "./modes.ts";
import type { StartFigures } from "./run-longtab-page.ts";
import { runLongtabPage } from "./run-longtab-page.ts";
import { hasWllama, runWllamaPage, wllamaFolder } from "./run-wllama-page.ts";
import { serveBench } from "./server.ts";

export interface BrowserFigures {
  executable: string;
  /** What Longtab ran on, by its entries' names. */
  where: Record<string, string>;
  /** Longtab's first, by the names of modes.ts. */
  entries: Entry[];
  /** Longtab's warm start on WebGPU, one for each round. */
  start: StartFigures[];
  library: Outcome<LibrarySizes>;
}

export interface BrowserOptions {
  executable: string | undefined;
  rounds: number;
  /** What Longtab runs on: one of them, or both. */
  backends: Record<LongtabMode["backend"], boolean>;
  /** The peers' folder, and the contexts that wllama reads; undefined to leave it out. */
  wllama: { folder: string; contexts: readonly number[] } | undefined;
  say: (text: string) => void;
}

/** Where scripts/bench.mjs builds the pages: beside this program. */
const pages = fileURLToPath(new URL("page", import.meta.url));

/** Longtab in a browser, and wllama in the modes that it is compared with; every run in an empty profile. */
export async function measureBrowser(
  input: RuntimeInput,
  { executable, rounds, backends, wllama, say }: BrowserOptions,
): Promise<BrowserFigures> {
  if (executable === undefined) throw new Error("no Chromium or Chrome was found: install one, or name one in LONGTAB_BROWSER");
  const server = await serveBench(pages, wllamaFolder(wllama?.folder ?? ""), input.model);
  const round = { executable, server: server.url, modelUrl: `${server.url}models/${basename(input.model)}`, input };
  const modes = longtabModes.filter(({ backend }) => backends[backend]);
  const start: StartFigures[] = [];
  const where: Record<string, string> = {};
  const longtab = modes.map((mode): Contestant => ({
    name: mode.name,
    run: async (record) => {
      const run = await runLongtabPage(round, mode, record);
      where[mode.name] = run.where;
      if (run.start) start.push(run.start);
    },
  }));
  const peers = wllama ? [...new Set(modes.flatMap((mode): readonly WllamaMode[] => mode.peers))] : [];
  const others = peers.map((mode): Contestant => ({
    name: mode.name,
    run: async (record) => {
      if (!wllama || !hasWllama(wllama.folder)) throw new Error(howToInstall("@wllama/wllama"));
      await runWllamaPage(round, mode, wllama.contexts, record);
    },
  }));
  try {
    const entries = await compete([...longtab, ...others], rounds, (name, count) =>
      say(`${name} in Chromium, round ${count} of ${rounds} ...`),
    );
    return { executable, where, entries, start, library: await attempt(measureLibrary) };
  } finally {
    await server.close();
  }
}
