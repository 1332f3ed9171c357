import { type BrowserContext, type Page, test as base, chromium } from "@playwright/test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../support/bundle.ts";
import { type HostedFile, seededBytes } from "./hosted-file.ts";
import { Hub } from "./server.ts";
import { Site } from "./site.ts";
import { Tab } from "./tab.ts";
import type { WeightsRequest } from "@longtab/weights";

export { expect } from "@playwright/test";

/** Small chunks, so that a small file has many. */
export const CHUNK = 256 * 1024;
/** Ten chunks and a piece that fills none. */
export const SIZE = 10 * CHUNK + 12_345;
export const REPO = "owner/tiny-GGUF";

interface TestFixtures {
  /** Empty at the start of a test. */
  hub: Hub;
  /** The page's own server. Every test has another, and thus an origin whose storage is empty. */
  site: Site;
  /** Opens the page of packages/weights/test/page.ts; `before` runs in it before its own script. */
  openTab: (path?: string, before?: () => void) => Promise<Tab>;
  /** Puts a model of seeded bytes on the hub and gives the request that loads it. */
  publish: (seed: number, length?: number) => { file: HostedFile; request: WeightsRequest };
}

interface WorkerFixtures {
  /** packages/weights/test/page.ts, built. */
  script: string;
  profile: BrowserContext;
}

/**
 * Playwright's test for packages/weights: a hub, a page's server and a browser whose profile is on disk. Playwright's own contexts are
 * private windows, whose IndexedDB lives in memory and is other code.
 */
export const test = base.extend<TestFixtures, WorkerFixtures>({
  script: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright wants it written so
    async ({}, use) => {
      await use(await bundle("packages/weights/test/page.ts"));
    },
    { scope: "worker" },
  ],
  profile: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright wants it written so
    async ({}, use, { project }) => {
      const folder = await mkdtemp(join(tmpdir(), "longtab-profile-"));
      const profile = await chromium.launchPersistentContext(folder, project.use.launchOptions ?? {});
      await use(profile);
      await profile.close();
      await rm(folder, { recursive: true, force: true });
    },
    { scope: "worker" },
  ],
  context: async ({ profile }, use) => {
    await use(profile);
    await profile.setOffline(false);
    // The first page, which the browser opened itself, keeps it running.
    await Promise.all(
      profile
        .pages()
        .slice(1)
        .map(async (page: Page) => page.close()),
    );
  },
  // oxlint-disable-next-line no-empty-pattern -- Playwright wants it written so
  hub: async ({}, use) => {
    const hub = await Hub.start();
    await use(hub);
    await hub.close();
  },
  site: async ({ script }, use) => {
    const site = await Site.start(script);
    await use(site);
    await site.close();
  },
  openTab: async ({ context, hub, site }, use) => {
    const options = { chunkBytes: CHUNK, hubBase: hub.base, retry: { firstDelayMs: 20, stallMs: 2000 } };
    await use(async (path = "/", before = () => undefined) => {
      const page = await context.newPage();
      await page.addInitScript(before);
      await page.goto(`${site.base}${path}`);
      return Tab.of(page, options);
    });
  },
  publish: async ({ hub }, use) => {
    await use((seed, length = SIZE) => {
      const { file, url } = hub.publish(REPO, "tiny.gguf", seededBytes(seed, length));
      return { file, request: { id: `hf:${REPO}/tiny.gguf`, name: "tiny.gguf", urls: [url] } };
    });
  },
});
