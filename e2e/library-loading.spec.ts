import type { Page } from "@playwright/test";
import { tinyModel } from "@longtab/formats/testing";
import { LibrarySite } from "./support/library-site.ts";
import { expect, openLibrary, test } from "./support/library-test.ts";

const MODEL = tinyModel();
const HELLO = [{ role: "user" as const, content: "Hello there" }];
/**
 * The processor is done with the other before anything could happen in the middle of an answer. Among so many tokens the one that ends an
 * answer is seldom drawn.
 */
const LARGER = tinyModel({ hidden: 512, ffn: 2048, layers: 8, vocabulary: 8192, contextLength: 4096 });
/** Its answer is the same everywhere. */
const GREEDY = { messages: HELLO, temperature: 0, repetition_penalty: 1 };
const list = async (page: Page) => page.evaluate(async () => window.library.Longtab.models.list());
const availability = async (page: Page, reference: string) =>
  page.evaluate(async (model) => window.library.Longtab.availability(model), reference);

test("from a URL stores the model: a second page starts it without the network, until it is deleted", async ({ openPage, site }) => {
  const { file, url } = site.publish("shared.gguf", MODEL);
  const first = await openPage();
  expect(await availability(first, url)).toMatchObject({ state: "downloadable", software: true });
  expect((await first.evaluate(async (address) => window.library.load(address), url)).error).toBeUndefined();
  const requests = file.requests.length;
  expect(requests).toBeGreaterThan(0);

  const second = await openPage();
  expect(await list(second)).toMatchObject([{ id: url, name: "shared.gguf", size: MODEL.byteLength, complete: true }]);
  expect(await availability(second, url)).toMatchObject({ state: "available" });
  expect(await availability(second, `${url}#fragment`)).toMatchObject({ state: "available" });
  const { info, progress } = await second.evaluate(async (address) => window.library.load(address), url);
  expect(info?.id).toBe(url);
  expect(progress.map(({ phase }) => phase)).not.toContain("download");
  expect(file.requests).toHaveLength(requests);
  const { usage, quota } = await second.evaluate(async () => window.library.Longtab.models.estimate());
  expect(usage).toBeGreaterThanOrEqual(MODEL.byteLength);
  expect(quota).toBeGreaterThan(usage);

  await second.evaluate(async (id) => window.library.Longtab.models.delete(id), url);
  expect(await list(first)).toEqual([]);
  expect(await availability(first, url)).toMatchObject({ state: "downloadable" });
  // What is loaded stays loaded.
  expect((await first.evaluate(async (params) => window.library.stream(params), { ...GREEDY, max_tokens: 3 })).text).not.toBe("");
});

test("from a file keeps a copy; a worker that dies ends its requests and says that the model is lost", async ({ openPage, site }) => {
  const { url } = site.publish("chosen.gguf", LARGER);
  const page = await openPage();
  const { info, error } = await page.evaluate(async (address) => window.library.loadFile(address, "mine.gguf"), url);
  expect(error).toBeUndefined();
  const stored = await list(page);
  expect(stored).toMatchObject([{ id: info?.id, name: "mine.gguf", complete: true }]);
  expect(await availability(page, info?.id ?? "")).toMatchObject({ state: "available" });

  // One worker holds the model, the other looks after what is stored; the browser may end either.
  const streaming = page.evaluate(async (params) => window.library.stream(params), GREEDY);
  await page.waitForTimeout(100);
  await Promise.all(page.workers().map(async (worker) => worker.evaluate(() => self.close()).catch(() => undefined)));
  expect((await streaming).error).toMatchObject({
    code: "internal",
    remedy: expect.stringContaining("load the model again") as unknown as string,
  });
  await expect.poll(async () => page.evaluate(() => window.library.lost?.code)).toBe("internal");
  expect((await page.evaluate(async (params) => window.library.create(params), GREEDY)).error?.code).toBe("internal");
  await expect.poll(async () => list(page)).toEqual(stored);
});

test("from the hub, by id; a worker that throws beyond its calls is lost", async ({ context, openPage, hub }) => {
  hub.publish("owner/tiny-GGUF", "tiny.gguf", Buffer.from(MODEL));
  await context.route("https://huggingface.co/**", async (route) => {
    const { pathname } = new URL(route.request().url());
    await route.fulfill({ response: await route.fetch({ url: hub.base + pathname }) });
  });
  const page = await openPage();
  const { info, error } = await page.evaluate(async () => window.library.load("hf:owner/tiny-GGUF/tiny.gguf"));
  expect(error).toBeUndefined();
  expect(info?.id).toBe("hf:owner/tiny-GGUF/tiny.gguf");
  expect(await availability(page, "https://huggingface.co/owner/tiny-GGUF/blob/main/tiny.gguf")).toMatchObject({ state: "available" });
  await page.workers()[0]?.evaluate(
    () =>
      void setTimeout(() => {
        throw new Error("boom");
      }),
  );
  await expect.poll(async () => page.evaluate(() => window.library.lost?.what)).toContain("boom");
});

test("reports no progress once it is done, however late reports come", async ({ openPage, site }) => {
  const page = await openPage(() => {
    MessagePort.prototype.addEventListener = function (this: MessagePort, type: string, listener: EventListenerOrEventListenerObject) {
      const late: EventListener = (event) => void setTimeout(() => (listener as EventListener)(event), 200);
      EventTarget.prototype.addEventListener.call(this, type, late);
    };
  });
  const { url } = site.publish("late.gguf", MODEL);
  const { info, progress } = await page.evaluate(async (address) => window.library.load(address, { backend: "cpu" }), url);
  expect(info?.backend).toBe("cpu");
  await page.waitForTimeout(400);
  expect(await page.evaluate(() => window.library.progress.length)).toBe(progress.length);
});

test("can be aborted, which ends its worker and keeps what is stored", async ({ openPage, site }) => {
  const large = tinyModel({ hidden: 256, ffn: 1024, layers: 8, vocabulary: 4096 });
  const { file, url } = site.publish("slow.gguf", large, { bytesPerSecond: 1_500_000 });
  const page = await openPage();
  const loading = page.evaluate(async (address) => window.library.load(address), url);
  await page.waitForFunction(() => window.library.progress.some(({ loaded }) => loaded > 500_000));
  await page.evaluate(() => window.library.abortLoad());
  expect((await loading).error?.code).toBe("aborted");
  await expect.poll(() => page.workers().length).toBe(0);
  expect(await list(page)).toMatchObject([{ id: url, size: large.byteLength, complete: false }]);
  expect(file.sent).toBeLessThan(large.byteLength);
});

test("refuses what is no model, or no reference, with a typed error, and leaves stored models alone", async ({ openPage, site }) => {
  const { url } = site.publish("sound.gguf", MODEL);
  const page = await openPage();
  const stored = await list(page);
  const file = async (changes: { bytes?: number; change?: [number, number][] }) =>
    (await page.evaluate(async ([address, change]) => window.library.loadFile(address, "mine.gguf", change), [url, changes] as const))
      .error;
  const load = async (reference: string) => (await page.evaluate(async (given) => window.library.load(given), reference)).error;
  expect(await file({ change: [[0, 0x50]] })).toMatchObject({ code: "file-not-a-model" });
  expect(await file({ bytes: 0 })).toMatchObject({ code: expect.stringMatching(/^file-/) as unknown as string });
  expect(await file({ bytes: 1000 })).toMatchObject({ code: "file-truncated" });
  expect(await file({ bytes: MODEL.byteLength - 100 })).toMatchObject({ code: "file-truncated" });
  expect(await file({ change: [[4, 9]] })).toMatchObject({ code: "unsupported-version" });
  expect(await load(`${site.base}/models/none.gguf`)).toMatchObject({ code: "model-not-found" });
  expect(await load("smollm")).toMatchObject({
    code: "invalid-option",
    remedy: expect.stringContaining("hf:owner") as unknown as string,
  });
  expect(await availability(page, "smollm")).toMatchObject({
    state: "unavailable",
    reason: expect.stringContaining("neither") as unknown as string,
  });
  const { error } = await page.evaluate(async (address) => window.library.load(address, { contextLength: 9999, context: "dense" }), url);
  expect(error).toMatchObject({ code: "invalid-option", value: "9999", limit: "256" });
  expect((await list(page)).filter(({ id }) => id !== url)).toEqual(stored);
});

test("from a file goes where storage is blocked, and reads it in place", async ({ browser, scripts }) => {
  // What a browser does that is told to store nothing of a site.
  const beforeWorker = `IDBFactory.prototype.open = () => { throw new DOMException("Access is denied", "SecurityError"); }`;
  const site = await LibrarySite.start(scripts, { beforeWorker });
  const page = await openLibrary(await browser.newPage(), site);
  const { url } = site.publish("mine.gguf", MODEL);
  const { info, error } = await page.evaluate(async (address) => window.library.loadFile(address, "mine.gguf"), url);
  expect(error).toBeUndefined();
  expect(info?.id).toBe("mine.gguf");
  expect((await page.evaluate(async (params) => window.library.stream(params), { ...GREEDY, max_tokens: 3 })).text).not.toBe("");
  await page.close();
  await site.close();
});
