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
