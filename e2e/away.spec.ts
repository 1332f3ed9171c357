import { type Page, test as base, expect } from "@playwright/test";
import { Site } from "./hub/site.ts";
import { bundle } from "./support/bundle.ts";
import type { Filled } from "../packages/longtab/test/away-page.ts";

const PAGE_BYTES = 4096;
const MEMORY = 2 ** 18;
const DISK = 2 ** 22;

/** packages/longtab/test/away-page.ts, built, on an origin whose storage is empty. */
const test = base.extend<{ openTab: () => Promise<Page> }, { script: string }>({
  script: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright wants it written so
    async ({}, use) => {
      await use(await bundle("packages/longtab/test/away-page.ts"));
    },
    { scope: "worker" },
  ],
  openTab: async ({ context, script }, use) => {
    const site = await Site.start(script);
    await use(async () => {
      const page = await context.newPage();
      await page.goto(`${site.base}/`);
      await page.waitForFunction(() => "away" in window);
      return page;
    });
    await site.close();
  },
});

const fill = (page: Page, count = 200, most = DISK): Promise<Filled> =>
  page.evaluate(async ([pages, bytes, memory, disk]) => window.away.fill(pages, bytes, memory, disk), [
    count,
    PAGE_BYTES,
    MEMORY,
    most,
  ] as const);
const stored = (page: Page) => page.evaluate(async () => window.away.stored());

test("pages that memory has no room for go to IndexedDB, and come back as they were", async ({ openTab }) => {
  const page = await openTab();
  const { memory, disk, added, right } = await fill(page);
  expect([added, right]).toEqual([200, 200]);
  expect(memory).toBeLessThanOrEqual(MEMORY);
  expect(memory + disk).toBeGreaterThanOrEqual(200 * PAGE_BYTES);
  expect(disk).toBeGreaterThan(2 * MEMORY);
  await page.evaluate(() => window.away.dispose());
  await expect.poll(async () => stored(page)).toBe(0);
});

test("no database is made before there is something to store", async ({ openTab }) => {
  const page = await openTab();
  expect(await page.evaluate(async () => window.away.open())).toBe(true);
  expect(await page.evaluate(async () => window.away.databases())).toBe(0);
});

test("what a closed tab has left is removed by the next one, and what an open one holds stays", async ({ openTab }) => {
  const [first, second] = [await openTab(), await openTab()];
  await fill(first);
  const ofFirst = await stored(first);
  await fill(second);
  const ofBoth = await stored(first);
  expect(ofFirst).toBeGreaterThan(0);
  expect(ofBoth).toBeGreaterThan(ofFirst);
  await first.close();
  const third = await openTab();
  await expect
    .poll(async () => {
      await third.evaluate(async () => window.away.open());
      return stored(third);
    })
    .toBe(ofBoth - ofFirst);
});

test("a disk that takes no more leaves room for what memory has, and loses nothing", async ({ openTab }) => {
  const page = await openTab();
  await page.evaluate(() => {
    let left = 3;
    // oxlint-disable-next-line typescript/unbound-method -- it is called with the store that it was called with
    IDBObjectStore.prototype.put = new Proxy(IDBObjectStore.prototype.put, {
      apply: (put, store, given): unknown => {
        if (left-- <= 0) throw new DOMException("There is no room.", "QuotaExceededError");
        return Reflect.apply(put, store, given);
      },
    });
  });
  const { disk, added, right } = await fill(page);
  expect(disk).toBeGreaterThan(0);
  expect(added).toBeLessThan(200);
  expect(added * PAGE_BYTES).toBeGreaterThan(MEMORY);
  expect(right).toBe(added);
});
