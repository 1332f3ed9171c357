import type { CDPSession, Page } from "@playwright/test";
import type { WeightStoreOptions } from "@longtab/weights";
import { expect, test } from "./hub/test.ts";

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

test("98 MB stream through a source in less than 64 MiB of memory, at the speed of the disk", async ({ hub, openTab, publish }) => {
  const tab = await openTab();
  const { page } = tab;
  const length = 98_362_432;
  const { file, request } = publish(80, length);
  const real: WeightStoreOptions = { hubBase: hub.base };
  const memory = await MemoryWatch.start(page);
  const begun = Date.now();
  expect(await tab.load(request, real)).toMatchObject({ size: length, sha256: file.sha256 });
  const seconds = (Date.now() - begun) / 1000;
  const loading = memory.peak();
  await tab.reload();
  await memory.collectGarbage();
  await tab.open(request.id, real);
  const milliseconds = await page.evaluate(async () => window.weights.stream(4 * 2 ** 20, window.sampleMemory));
  const reading = memory.peak();
  await memory.stop();
  console.log(
    `98 MB: loaded and checked in ${seconds.toFixed(1)} s, peak ${mib(loading)}; read in ${milliseconds.toFixed(0)} ms, peak ${mib(reading)}`,
  );
  expect(loading).toBeLessThan(64 * 2 ** 20);
  expect(reading).toBeLessThan(64 * 2 ** 20);
  expect(reading, "the measure counts ArrayBuffers").toBeGreaterThan(16 * 2 ** 20);
});

declare global {
  interface Window {
    sampleMemory: () => Promise<void>;
  }
}

/** The most memory that a page's JavaScript holds, ArrayBuffers and garbage included: sampled every 10 ms and whenever the page asks for it. */
class MemoryWatch {
  readonly #session: CDPSession;
  #peak = 0;
  #working = true;
  readonly #watching: Promise<void>;

  private constructor(session: CDPSession) {
    this.#session = session;
    this.#watching = this.#watch();
  }

  static async start(page: Page): Promise<MemoryWatch> {
    const watch = new MemoryWatch(await page.context().newCDPSession(page));
    await page.exposeFunction("sampleMemory", async () => watch.#sample());
    return watch;
  }

  async #sample(): Promise<void> {
    const { usedSize, backingStorageSize } = (await this.#session.send("Runtime.getHeapUsage")) as {
      usedSize: number;
      backingStorageSize: number;
    };
    this.#peak = Math.max(this.#peak, usedSize + backingStorageSize);
  }

  async #watch(): Promise<void> {
    while (this.#working) {
      await this.#sample();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Of what came before; begins the peak anew. */
  async collectGarbage(): Promise<void> {
    await this.#session.send("HeapProfiler.collectGarbage");
    this.#peak = 0;
  }

  /** Bytes; begins anew. */
  peak(): number {
    const peak = this.#peak;
    this.#peak = 0;
    return peak;
  }

  async stop(): Promise<void> {
    this.#working = false;
    await this.#watching;
  }
}
