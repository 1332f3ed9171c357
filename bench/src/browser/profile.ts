import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "@playwright/test";
import { chromium } from "@playwright/test";
import { browserArguments } from "../../../e2e/support/browser-arguments.ts";
import type { Sample } from "../figures.ts";
import { peakMemory } from "../figures.ts";
import type { RuntimeInput } from "../node/runtime-input.ts";
import type { BrowserMemory } from "./browser-memory.ts";
import { browserMemory } from "./browser-memory.ts";

/** A runtime that takes longer than this for one round is taken to hang. */
const longestRoundMinutes = 30;

/** What a round in a browser needs to know. */
export interface BrowserRound {
  executable: string;
  /** Where the pages are served, with a slash at its end. */
  server: string;
  modelUrl: string;
  input: RuntimeInput;
}

export interface BrowserProfile {
  /** Opens a page in a tab of its own. */
  open(url: string): Promise<Page>;
  /** The most memory that its processes have held so far; undefined where the platform does not tell. */
  memory(): Promise<BrowserMemory | undefined>;
}

/** Starts a browser with an empty profile, and removes both when `use` is done. */
export async function withProfile<T>(executable: string, use: (profile: BrowserProfile) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "longtab-bench-"));
  let context: BrowserContext | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    context = await chromium.launchPersistentContext(folder, { executablePath: executable, args: browserArguments() });
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no end after ${longestRoundMinutes} minutes`)), longestRoundMinutes * 60_000);
    });
    return await Promise.race([use(profile(context, folder)), late]);
  } finally {
    clearTimeout(timer);
    await context?.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function profile(context: BrowserContext, folder: string): BrowserProfile {
  return {
    async open(url) {
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    memory: async () => browserMemory(folder),
  };
}

/** The peaks as figures, for the end of a run. What the GPU process holds says nothing of who computes elsewhere. */
export async function memorySamples(opened: BrowserProfile, backend: "cpu" | "webgpu"): Promise<Sample[]> {
  const memory = await opened.memory();
  if (memory === undefined) return [];
  const renderer: Sample = { name: peakMemory, unit: "MB", value: memory.renderer / 1e6 };
  return backend === "cpu" ? [renderer] : [renderer, { name: "peak memory of the GPU process", unit: "MB", value: memory.gpu / 1e6 }];
}
