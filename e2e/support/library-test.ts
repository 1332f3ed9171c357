import { type Page, test as base, expect } from "@playwright/test";
import { Hub } from "../hub/server.ts";
import { LibrarySite, type Scripts, buildLibraryPage } from "./library-site.ts";

export { expect } from "@playwright/test";

interface TestFixtures {
  hub: Hub;
  /** Opens the site's page; `before` runs in it before its own script. */
  openPage: (before?: () => void) => Promise<Page>;
}

interface WorkerFixtures {
  scripts: Scripts;
  site: LibrarySite;
}

/** Playwright's test for packages/longtab: a site under a strict policy whose page uses the library. A breach of the policy fails the test. */
export const test = base.extend<TestFixtures, WorkerFixtures>({
  scripts: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright wants it written so
    async ({}, use) => {
      await use(await buildLibraryPage());
    },
    { scope: "worker" },
  ],
  site: [
    async ({ scripts }, use) => {
      const site = await LibrarySite.start(scripts);
      await use(site);
      await site.close();
    },
    { scope: "worker" },
  ],
  // oxlint-disable-next-line no-empty-pattern -- Playwright wants it written so
  hub: async ({}, use) => {
    const hub = await Hub.start();
    await use(hub);
    await hub.close();
  },
  openPage: async ({ context, site }, use) => {
    const breaches: string[] = [];
    context.on("console", (message) => {
      if (/content security policy/i.test(message.text())) breaches.push(message.text());
    });
    await use(async (before) => {
      const page = await context.newPage();
      if (before !== undefined) await page.addInitScript(before);
      return openLibrary(page, site);
    });
    expect(breaches).toEqual([]);
  },
});

export async function openLibrary(page: Page, site: LibrarySite): Promise<Page> {
  await page.goto(site.base);
  await page.waitForFunction(() => "library" in window);
  return page;
}
