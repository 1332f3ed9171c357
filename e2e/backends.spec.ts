import { type Browser, type Page, chromium } from "@playwright/test";
import { tinyModel } from "@longtab/formats/testing";
import type { BackendChoice, ModelInfo } from "longtab";
import { LibrarySite, type SiteOptions } from "./support/library-site.ts";
import { expect, openLibrary, test } from "./support/library-test.ts";

const MODEL = tinyModel();
let large: Uint8Array | undefined;
/** Large enough for something to happen in the middle of its load and of its answers. */
const largeModel = (): Uint8Array => (large ??= tinyModel({ hidden: 512, ffn: 2048, layers: 8, vocabulary: 8192, contextLength: 4096 }));
const GREEDY = { messages: [{ role: "user" as const, content: "Another question" }], temperature: 0, repetition_penalty: 1 };
const SOFTWARE = "Runs on the processor: there is no graphics card here, only software that imitates one.";
const WASM_REMEDY = "add 'wasm-unsafe-eval' to its script-src directive";

/** In a worker: makes the adapter call itself a real graphics card. */
const LOOKS_REAL = `
const info = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, "info").get;
Object.defineProperty(GPUAdapter.prototype, "info", {
  get() {
    return new Proxy(info.call(this), { get: (own, key) => ({ isFallbackAdapter: false, vendor: "acme", architecture: "", description: "Acme" })[key] ?? own[key] });
  },
})`;
/** In a worker: takes a limit down to a value, for the adapter and its device. */
const limited = (name: string, value: number): string =>
  `Object.defineProperty(GPUSupportedLimits.prototype, ${JSON.stringify(name)}, { get: () => ${value} })`;

const load = async (page: Page, url: string, backend?: BackendChoice) =>
  page.evaluate(async ([address, choice]) => window.library.load(address, choice === undefined ? {} : { backend: choice }), [
    url,
    backend,
  ] as const);
const answer = async (page: Page, tokens = 12) =>
  page.evaluate(async (params) => window.library.stream(params), { ...GREEDY, max_tokens: tokens });

/** A page of a site that differs from the usual one. */
async function visit<T>(
  { browser, scripts }: { browser: Browser; scripts: Parameters<typeof LibrarySite.start>[0] },
  options: SiteOptions,
  work: (page: Page, url: string) => Promise<T>,
): Promise<T> {
  const site = await LibrarySite.start(scripts, options);
  const page = await openLibrary(await browser.newPage(), site);
  try {
    return await work(page, site.publish("tiny.gguf", MODEL).url);
  } finally {
    await page.close();
    await site.close();
  }
}

test.describe("left to itself, a model", () => {
  test("runs on the processor where a processor plays the graphics card, and answers as there", async ({ openPage, site }) => {
    const { url } = site.publish("auto.gguf", MODEL);
    const page = await openPage();
    expect(await page.evaluate(async (address) => window.library.Longtab.availability(address), url)).toMatchObject({
      state: "downloadable",
      backend: "cpu",
      backendReason: SOFTWARE,
      software: true,
    });
    const { info, progress } = await load(page, url);
    expect(info).toMatchObject({ backend: "cpu", backendReason: SOFTWARE, adapter: "", softwareAdapter: false });
    expect(progress.map(({ phase }) => phase)).not.toContain("shaders");
    const automatic = await answer(page);
    expect(automatic.text).not.toBe("");

    await page.evaluate(async () => window.library.model?.dispose());
    expect((await load(page, url, "cpu")).info).toMatchObject({ backend: "cpu", backendReason: "Runs on the processor, as chosen." });
    expect((await answer(page)).text).toBe(automatic.text);
  });

  test("runs on software that plays a graphics card where the page may not use WebAssembly", async ({ browser, scripts }) => {
    const info = await visit({ browser, scripts }, { wasm: false }, async (page, url) => (await load(page, url)).info);
    expect(info).toMatchObject({
      backend: "webgpu",
      softwareAdapter: true,
      backendReason:
        "Runs on software that imitates a graphics card: there is no graphics card here, and this page cannot use WebAssembly.",
    });
  });

  test("leaves a graphics card that was measured to be slower", async ({ browser, scripts }) => {
    const info = await visit({ browser, scripts }, { beforeWorker: LOOKS_REAL }, async (page, url) => {
      const { info: loaded, error, progress } = await load(page, url);
      expect(error).toBeUndefined();
      // It was made ready there, and then here.
      expect([...new Set(progress.map(({ backend, phase }) => `${phase} ${backend}`))].slice(-3)).toEqual([
        "upload webgpu",
        "shaders webgpu",
        "upload cpu",
      ]);
      expect((await answer(page)).text).not.toBe("");
      return loaded;
    });
    expect(info).toMatchObject({ backend: "cpu", backendReason: "Runs on the processor: it is faster here than the graphics card." });
  });

  test("stays on a slow graphics card where the processor cannot be had to compare", async ({ browser, scripts }) => {
    const beforeWorker = `${LOOKS_REAL};
      const load = fetch;
      globalThis.fetch = async (url, options) => {
        if (String(url).endsWith(".wasm")) throw new TypeError("Failed to fetch");
        return load(url, options);
      }`;
    await visit({ browser, scripts }, { beforeWorker }, async (page, url) => {
      expect((await load(page, url)).info).toMatchObject({ backend: "webgpu", backendReason: "Runs on the graphics card." });
      expect((await answer(page)).text).not.toBe("");
      expect((await load(page, url, "cpu")).error).toMatchObject({ code: "network-failed" });
    });
  });

  test("leaves a graphics card that computes wrong results, which is an error only where it was chosen", async ({ browser, scripts }) => {
    const beforeWorker = `${LOOKS_REAL};
      const create = GPUDevice.prototype.createShaderModule;
      GPUDevice.prototype.createShaderModule = function (module) {
        return create.call(this, { ...module, code: module.code.replaceAll(/(\\/4u\\+\\w+,)(\\w+\\);)/g, "$11.01*$2") });
      }`;
    await visit({ browser, scripts }, { beforeWorker }, async (page, url) => {
      expect((await load(page, url)).info).toMatchObject({
        backend: "cpu",
        backendReason: "Runs on the processor: the graphics card’s results were wrong.",
      });
      expect((await load(page, url, "webgpu")).error).toMatchObject({ code: "self-test-failed" });
    });
  });

  test("leaves a graphics card that it does not fit", async ({ browser, scripts }) => {
    const beforeWorker = `${LOOKS_REAL};${limited("maxStorageBufferBindingSize", 256)}`;
    await visit({ browser, scripts }, { beforeWorker }, async (page, url) => {
      expect((await load(page, url)).info).toMatchObject({
        backend: "cpu",
        backendReason: "Runs on the processor: the model is too large for the graphics card.",
      });
      // Who chose the graphics card is told what is wrong instead.
      expect((await load(page, url, "webgpu")).error).toMatchObject({ code: "device-limit" });
    });
  });
});

test.describe("without a graphics adapter", () => {
  let browser: Browser;
  test.beforeAll(async ({ launchOptions }) => {
    const args = (launchOptions.args ?? []).filter((argument) => argument !== "--enable-unsafe-webgpu");
    browser = await chromium.launch({ ...launchOptions, args });
  });
  test.afterAll(async () => browser.close());

  test("a model runs on the processor and says why", async ({ scripts }) => {
    await visit({ browser, scripts }, {}, async (page, url) => {
      const reason = "Runs on the processor: there is no usable graphics adapter here.";
      expect(await page.evaluate(async () => window.library.Longtab.availability())).toMatchObject({
        backend: "cpu",
        backendReason: reason,
      });
      expect((await load(page, url)).info).toMatchObject({ backend: "cpu", backendReason: reason });
      expect((await answer(page)).text).not.toBe("");
    });
  });

  test("a graphics card that was chosen is an error, before anything is downloaded", async ({ scripts }) => {
    await visit({ browser, scripts }, {}, async (page, url) => {
      const { error, progress } = await load(page, url, "webgpu");
      expect(error).toMatchObject({
        code: "webgpu-unavailable",
        remedy: expect.stringContaining("hardware acceleration") as unknown as string,
      });
      expect(progress).toEqual([]);
    });
  });

  test("and without WebAssembly nothing can run: both reasons are said, and the directive is named", async ({ scripts }) => {
    await visit({ browser, scripts }, { wasm: false }, async (page, url) => {
      const { error } = await load(page, url);
      expect(error).toMatchObject({
        code: "webgpu-unavailable",
        what: expect.stringContaining("forbids WebAssembly") as unknown as string,
      });
      expect(error?.remedy).toContain(WASM_REMEDY);
      const availability = await page.evaluate(async () => window.library.Longtab.availability());
      expect(availability).toMatchObject({ state: "unavailable", remedy: expect.stringContaining(WASM_REMEDY) as unknown as string });
      expect((await load(page, url, "cpu")).error).toMatchObject({ code: "wasm-blocked", remedy: WASM_REMEDY });
    });
  });
});

test.describe("the processor", () => {
  const cpu = async (page: Page, url: string): Promise<ModelInfo["cpu"]> => (await load(page, url, "cpu")).info?.cpu;

  test("never asks for a graphics adapter when it was chosen", async ({ browser, scripts }) => {
    const beforeWorker = `Object.defineProperty(GPU.prototype, "requestAdapter", { value() { throw new Error("the graphics card was touched"); } })`;
    await visit({ browser, scripts }, { beforeWorker }, async (page, url) => {
      expect((await load(page, url, "cpu")).error).toBeUndefined();
      expect((await load(page, url, "webgpu")).error?.what).toContain("the graphics card was touched");
    });
  });

  test("computes with one thread in a page that is not isolated, says how to get more, and with more in one that is", async ({
    browser,
    scripts,
  }) => {
    const alone = await visit({ browser, scripts }, {}, cpu);
    expect(alone).toMatchObject({
      threads: 1,
      threadsNote: expect.stringContaining("Cross-Origin-Opener-Policy: same-origin") as unknown as string,
    });
    await visit({ browser, scripts }, { isolated: true }, async (page, url) => {
      const together = await cpu(page, url);
      const cores = await page.evaluate(() => navigator.hardwareConcurrency);
      expect(together?.threads).toBeGreaterThan(1);
      expect(together?.threads).toBeLessThanOrEqual(cores);
      expect(together).not.toHaveProperty("threadsNote");
      const { text } = await answer(page);
      const single = await visit({ browser, scripts }, {}, async (other, address) => {
        await load(other, address, "cpu");
        return (await answer(other)).text;
      });
      expect(text).toBe(single);
    });
  });

  test("says what is missing where its part cannot be fetched, and loads when it can", async ({ openPage, site, context }) => {
    const { url } = site.publish("offline.gguf", MODEL);
    const page = await openPage();
    for (const part of [/\/src-[\w-]+\.js/, /kernels.*\.wasm/]) {
      await context.route(part, async (route) => route.abort());
      expect((await load(page, url, "cpu")).error).toMatchObject({ code: "network-failed" });
      await expect.poll(() => page.workers()).toHaveLength(0);
      await context.unroute(part);
    }
    expect((await load(page, url, "cpu")).error).toBeUndefined();
  });

  test("says what would fit where a context is longer than memory", async ({ openPage, site }) => {
    const { url } = site.publish("wide.gguf", tinyModel({ contextLength: 2 ** 24, layers: 24 }));
    const page = await openPage();
    const { error } = await page.evaluate(async (address) => window.library.load(address, { backend: "cpu", contextLength: 2 ** 24 }), url);
    expect(error).toMatchObject({ code: "out-of-memory", remedy: expect.stringMatching(/at most \d+ tokens/) as unknown as string });
  });

  test("says so where the browser gives it no memory", async ({ browser, scripts }) => {
    const beforeWorker = `WebAssembly.Memory = class { constructor() { throw new RangeError("could not allocate memory"); } }`;
    await visit({ browser, scripts }, { beforeWorker }, async (page, url) => {
      const { error } = await load(page, url, "cpu");
      expect(error).toMatchObject({ code: "out-of-memory", remedy: expect.stringContaining("a shorter context") as unknown as string });
      await expect.poll(() => page.workers()).toHaveLength(0);
    });
  });

  test("that is killed in the middle of an answer is a typed error, and the model can be loaded again", async ({ browser, scripts }) => {
    const site = await LibrarySite.start(scripts, { isolated: true });
    const page = await openLibrary(await browser.newPage(), site);
    const { url } = site.publish("large.gguf", largeModel());
    await load(page, url, "cpu");
    const before = await answer(page);
    const streaming = page.evaluate(async (params) => window.library.stream(params), GREEDY);
    await page.waitForTimeout(100);
    await Promise.all(page.workers().map(async (worker) => worker.evaluate(() => self.close()).catch(() => undefined)));
    expect((await streaming).error).toMatchObject({
      code: "internal",
      remedy: expect.stringContaining("load the model again") as unknown as string,
    });
    expect((await load(page, url, "cpu")).error).toBeUndefined();
    expect((await answer(page)).text).toBe(before.text);
    await page.close();
    await site.close();
  });

  test("leaves nothing behind when its load is aborted", async ({ browser, scripts }) => {
    const site = await LibrarySite.start(scripts, { isolated: true });
    const page = await openLibrary(await browser.newPage(), site);
    const { url } = site.publish("large.gguf", largeModel());
    const { error } = await page.evaluate(async (address) => {
      const { library } = window;
      const loading = library.load(address, { backend: "cpu" });
      while (!library.progress.some(({ phase }) => phase === "upload")) await new Promise((resolve) => setTimeout(resolve));
      library.abortLoad();
      return loading;
    }, url);
    expect(error?.code).toBe("aborted");
    await expect.poll(() => page.workers()).toHaveLength(0);
    expect((await load(page, url, "cpu")).error).toBeUndefined();
    expect((await answer(page, 2)).text).not.toBe("");
    await page.close();
    await site.close();
  });
});
