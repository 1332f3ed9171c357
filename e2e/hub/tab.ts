import { type Page, expect } from "@playwright/test";
import type { StorageEstimate, StoredModel, WeightStoreOptions, WeightsRequest } from "@longtab/weights";
import type { Outcome, ReadResult } from "../../packages/weights/test/page.ts";

/** A browser tab with the page of packages/weights/test/page.ts: its methods, called from the test. */
export class Tab {
  readonly page: Page;
  readonly options: WeightStoreOptions;

  private constructor(page: Page, options: WeightStoreOptions) {
    this.page = page;
    this.options = options;
  }

  static async of(page: Page, options: WeightStoreOptions): Promise<Tab> {
    await page.waitForFunction(() => "weights" in window);
    return new Tab(page, options);
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.page.waitForFunction(() => "weights" in window);
  }

  async close(): Promise<void> {
    await this.page.close();
  }

  async load(request: WeightsRequest, options = this.options): Promise<Outcome> {
    return this.page.evaluate(async ([o, r]) => window.weights.load(o, r), [options, request] as const);
  }

  /** Begins a load that `outcome` ends. */
  async begin(request: WeightsRequest): Promise<void> {
    await this.page.evaluate(([o, r]) => window.weights.begin(o, r), [this.options, request] as const);
  }

  async outcome(): Promise<Outcome> {
    return this.page.evaluate(async () => window.weights.outcome());
  }

  async abort(): Promise<void> {
    await this.page.evaluate(() => window.weights.abort());
  }

  async untilProgress(): Promise<void> {
    await this.page.waitForFunction(() => window.weights.progress.length > 0);
  }

  async open(id: string, options = this.options): Promise<Outcome> {
    return this.page.evaluate(async ([o, i]) => window.weights.open(o, i), [options, id] as const);
  }

  /** SHA-256 of a range of the model that was loaded or opened last, read in steps; of all of it unless told otherwise. */
  async digest(range: { offset?: number; length?: number; step?: number } = {}): Promise<ReadResult> {
    return this.page.evaluate(async (r) => window.weights.digest(r), range);
  }

  async list(): Promise<StoredModel[]> {
    return this.page.evaluate(async (o) => window.weights.list(o), this.options);
  }

  async delete(id: string): Promise<void> {
    await this.page.evaluate(async ([o, i]) => window.weights.delete(o, i), [this.options, id] as const);
  }

  async estimate(): Promise<StorageEstimate> {
    return this.page.evaluate(async (o) => window.weights.estimate(o), this.options);
  }

  async importFile(name: string, buffer: Buffer): Promise<Outcome> {
    const input = await this.page.evaluateHandle(() =>
      document.body.appendChild(Object.assign(document.createElement("input"), { type: "file" })),
    );
    await input.setInputFiles({ name, mimeType: "application/octet-stream", buffer });
    return this.page.evaluate(
      async ([chosen, options]) => {
        const file = chosen.files?.[0];
        if (file === undefined) throw new Error("no file was chosen");
        return window.weights.load(options, file);
      },
      [input, this.options] as const,
    );
  }

  /** Bytes of the one model that is here. */
  async storedBytes(): Promise<number> {
    return (await this.list())[0]?.storedBytes ?? 0;
  }

  /** Resolves when the model that is being loaded has at least so many bytes stored. */
  async untilStored(bytes: number): Promise<void> {
    await expect.poll(async () => this.storedBytes(), { intervals: [20], timeout: 30_000 }).toBeGreaterThanOrEqual(bytes);
  }

  /** What a failing disk does to a chunk. */
  async damageChunk(index: number, how: "change" | "delete" | "cut" = "change"): Promise<void> {
    await this.page.evaluate(async ([i, kind]) => window.weights.damageChunk(i, kind), [index, how] as const);
  }

  async storedKeys(): Promise<unknown[]> {
    return this.page.evaluate(async () => window.weights.storedKeys());
  }

  /** The browser's own limit for this page's origin, as long as the tab is open; undefined lifts it. */
  async setQuota(quotaSize: number | undefined): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page);
    const origin = new URL(this.page.url()).origin;
    await session.send("Storage.overrideQuotaForOrigin", { origin, ...(quotaSize === undefined ? {} : { quotaSize }) });
  }
}
