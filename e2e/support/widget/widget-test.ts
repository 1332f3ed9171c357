import { type Locator, type Page, test as base, expect } from "@playwright/test";
import type { LongtabChat } from "@longtab/embed";
import { Cdn, type HostPage, HostSite } from "./sites.ts";

export { expect } from "@playwright/test";

interface TestFixtures {
  /** Opens a page that has the widget. */
  visit: (page: HostPage | string) => Promise<Page>;
}

interface WorkerFixtures {
  cdn: Cdn;
  host: HostSite;
}

/** Playwright's test for the widget: a host page of one origin, the script of another. What the policy of a page forbids fails the test. */
export const test = base.extend<TestFixtures & { breaches: string[] }, WorkerFixtures>({
  cdn: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright wants it written so
    async ({}, use) => {
      const cdn = await Cdn.start();
      await use(cdn);
      await cdn.close();
    },
    { scope: "worker" },
  ],
  host: [
    async ({ cdn }, use) => {
      const host = await HostSite.start(cdn);
      await use(host);
      await host.close();
    },
    { scope: "worker" },
  ],
  /** What was forbidden; a test that means it empties this. */
  // oxlint-disable-next-line no-empty-pattern -- Playwright wants it written so
  breaches: async ({}, use) => {
    const breaches: string[] = [];
    await use(breaches);
    expect(breaches).toEqual([]);
  },
  visit: async ({ page, host, cdn, breaches }, use) => {
    page.on("console", (message) => {
      if (/content security policy/i.test(message.text())) breaches.push(message.text());
    });
    page.on("pageerror", (error) => breaches.push(String(error)));
    await page.addInitScript(recordEvents);
    await use(async (what) => {
      cdn.requests = [];
      await page.goto(typeof what === "string" ? what : host.publish(what));
      await page.waitForFunction(() => customElements.get("longtab-chat") !== undefined);
      return page;
    });
  },
});

/** An event of an element, as far as it can leave the page. */
export interface SeenEvent {
  type: string;
  id: string;
  detail: Record<string, unknown>;
}

declare global {
  interface Window {
    seen: SeenEvent[];
    /** Prevents the default of `error` events. */
    preventErrors?: boolean;
  }
}

/** In the page: listens to every element from before it is one. */
function recordEvents(): void {
  window.seen = [];
  const types = ["ready", "progress", "message", "error"];
  const listening = new WeakSet<Element>();
  new MutationObserver(() => {
    for (const element of document.querySelectorAll("longtab-chat")) {
      if (listening.has(element)) continue;
      listening.add(element);
      for (const type of types)
        element.addEventListener(type, (event) => {
          const { error, ...detail } = (event as CustomEvent<Record<string, unknown>>).detail;
          const { code, limit, remedy, what } = (error ?? {}) as Record<string, unknown>;
          if (error !== undefined && window.preventErrors) event.preventDefault();
          window.seen.push({ type, id: element.id, detail: error === undefined ? { ...detail } : { code, limit, remedy, what } });
        });
    }
  }).observe(document, { childList: true, subtree: true });
}

/** What the page saw of a type. */
export async function seen(page: Page, type: string): Promise<SeenEvent[]> {
  return page.evaluate(
    (wanted) => window.seen.filter((event) => event.type === wanted).map((event) => JSON.parse(JSON.stringify(event)) as SeenEvent),
    type,
  );
}

/** Calls something of an element. */
export async function call<T>(chat: Locator, work: (element: LongtabChat) => T | Promise<T>): Promise<T> {
  return chat.evaluate(work as (element: HTMLElement) => T | Promise<T>);
}

/** Starts the element's model by its button, whatever that says, and waits until it can be asked. */
export async function start(chat: Locator): Promise<void> {
  await chat.locator(".primary").click();
  await chat.locator(".primary, textarea:visible").first().waitFor();
  const download = chat.locator(".primary");
  if (await download.isVisible()) await download.click();
  await chat.locator("textarea").waitFor({ timeout: 90_000 });
}

export async function ask(chat: Locator, text: string): Promise<void> {
  await chat.locator("textarea").fill(text);
  await chat.locator("textarea").press("Enter");
}
