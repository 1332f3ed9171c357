import type { Page } from "@playwright/test";

/** From now on the browser has no room for records whose key begins so; "" is every record. Nothing is refused any more after a reload. */
export async function refuseWrites(page: Page, prefix: string, after = 0): Promise<void> {
  await page.evaluate(
    ([start, allowed]) => {
      // oxlint-disable-next-line typescript/unbound-method -- it is called with its store below
      const { put } = IDBObjectStore.prototype;
      let written = 0;
      IDBObjectStore.prototype.put = function (value: unknown, key?: IDBValidKey) {
        if (typeof key === "string" && key.startsWith(start) && written++ >= allowed) throw new DOMException("Full", "QuotaExceededError");
        return put.call(this, value, key);
      };
    },
    [prefix, after] as const,
  );
}

/** Whatever asks for the page's conversations waits so long, in the order in which it asked: a slow disk. */
export async function holdStorage(page: Page, milliseconds: number): Promise<void> {
  await page.evaluate(
    async (duration) =>
      new Promise<void>((resolve) => {
        const opening = indexedDB.open("longtab-chat");
        opening.addEventListener("success", () => {
          const store = opening.result.transaction("conversations", "readwrite").objectStore("conversations");
          const until = performance.now() + duration;
          const keepBusy = (): void => {
            resolve();
            if (performance.now() < until) store.get("").addEventListener("success", keepBusy);
          };
          keepBusy();
        });
      }),
    milliseconds,
  );
}

/** Clicks something, once, while the next conversation is read that nothing is going to change. */
export async function clickDuringRead(page: Page, selector: string): Promise<void> {
  await page.evaluate((wanted) => {
    // oxlint-disable-next-line typescript/unbound-method -- it is called with its store below
    const { get } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.get = function (key) {
      const reading = get.call(this, key);
      if (this.transaction.mode === "readonly" && typeof key === "string" && key.startsWith("conversation:")) {
        IDBObjectStore.prototype.get = get;
        document.querySelector<HTMLElement>(wanted)?.click();
      }
      return reading;
    };
  }, selector);
}
