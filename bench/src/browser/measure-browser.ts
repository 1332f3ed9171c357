import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { Contestant, Entry } from "../contest.ts";
import { compete } from "../contest.ts";
import { howToInstall } from "../node/measure-node.ts";
import type { RuntimeInput } from "../node/runtime-input.ts";
import type { Outcome } from "../report.ts";
import { attempt } from "../report.ts";
import { measureLibrary } from "./library-size.ts";
import type { StartFigures } from "./run-longtab-page.ts";
import { runLongtabPage } from "./run-longtab-page.ts";
import { hasWllama, runWllamaPage, wllamaFolder, wllamaModes } from "./run-wllama-page.ts";
import { serveBench } from "./server.ts";

export interface BrowserFigures {
  executable: string;
  /** What Longtab ran on. */
  adapter: string | undefined;
  /** The first is Longtab's. */
  entries: Entry[];
  /** Longtab's warm start, one for each round. */
  start: StartFigures[];
  library: Outcome<{ kilobytes: number }>;
}

export interface BrowserOptions {
  executable: string | undefined;
  rounds: number;
  /** Folder of the peers, or undefined to leave wllama out. */
  peers: string | undefined;
  say: (text: string) => void;
}

/** Where scripts/bench.mjs builds the pages: beside this program. */
const pages = fileURLToPath(new URL("page", import.meta.url));

/** Longtab in a browser, and wllama in its three modes beside it where that is wanted; every run in an empty profile. */
export async function measureBrowser(input: RuntimeInput, { executable, rounds, peers, say }: BrowserOptions): Promise<BrowserFigures> {
  if (executable === undefined) throw new Error("no Chromium or Chrome was found: install one, or name one in LONGTAB_BROWSER");
  const server = await serveBench(pages, wllamaFolder(peers ?? ""), input.model);
  const modelUrl = `${server.url}models/${basename(input.model)}`;
  const start: StartFigures[] = [];
  let adapter: string | undefined;
  const longtab: Contestant = {
    name: "Longtab",
    run: async (record) => {
      const run = await runLongtabPage({ executable, server: server.url, modelUrl, input }, record);
      start.push(run.start);
      adapter = run.adapter;
    },
  };
  const wllama = wllamaModes.map((mode): Contestant => ({
    name: mode.name,
    run: async (record) => {
      if (peers === undefined || !hasWllama(peers)) throw new Error(howToInstall("@wllama/wllama"));
      await runWllamaPage({ executable, server: server.url, modelUrl, input }, mode, record);
    },
  }));
  try {
    const entries = await compete([longtab, ...(peers === undefined ? [] : wllama)], rounds, (name, round) =>
      say(`${name} in Chromium, round ${round} of ${rounds} ...`),
    );
    return { executable, adapter, entries, start, library: await attempt(measureLibrary) };
  } finally {
    await server.close();
  }
}
