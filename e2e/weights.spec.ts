import { type BrowserContext, type Page, expect, test } from "@playwright/test";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import type { WeightStoreOptions, WeightsRequest } from "@longtab/weights";
import { type HostedFile, seededBytes } from "./hub/hosted-file.ts";
import { Hub } from "./hub/server.ts";
import { Site } from "./hub/site.ts";
// Types of `window.weights`.
import type {} from "../packages/weights/test/page.ts";

/** Small chunks, so that a small file has many; one test below uses the real size. */
const CHUNK = 256 * 1024;
/** Ten chunks and a piece that fills none. */
const SIZE = 10 * CHUNK + 12_345;
const REPO = "owner/tiny-GGUF";

let hub: Hub;
let site: Site;
let options: WeightStoreOptions;

test.beforeAll(async () => {
  const entry = fileURLToPath(new URL("../packages/weights/test/page.ts", import.meta.url));
  const built = await build({ configFile: false, logLevel: "warn", build: { write: false, lib: { entry, formats: ["es"] }, target: "es2022" } });
  const [bundle] = Array.isArray(built) ? built : [built];
  if (bundle === undefined || !("output" in bundle)) throw new Error("Vite built nothing");
  site = await Site.start(bundle.output[0].code);
});

test.beforeEach(async () => {
  hub = await Hub.start();
  options = { chunkBytes: CHUNK, hubBase: hub.base, retry: { firstDelayMs: 20, stallMs: 1000 } };
});

test.afterEach(async () => hub.close());
test.afterAll(async () => site.close());

async function openPage(context: BrowserContext, path = "/"): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${site.base}${path}`);
  await page.waitForFunction(() => "weights" in window);
  return page;
}

/** A model of seeded bytes on the hub, and the request that loads it. */
function publish(seed: number, length = SIZE): { file: HostedFile; request: WeightsRequest } {
  const { file, url } = hub.publish(REPO, "tiny.gguf", seededBytes(seed, length));
  return { file, request: { id: `hf:${REPO}/tiny.gguf`, name: "tiny.gguf", urls: [url] } };
}

const load = async (page: Page, request: WeightsRequest, with_: WeightStoreOptions = options) =>
  page.evaluate(async ([o, r]) => window.weights.load(o, r), [with_, request] as const);
const begin = async (page: Page, request: WeightsRequest, name = "load") =>
  page.evaluate(([o, r, n]) => window.weights.begin(n, o, r), [options, request, name] as const);
const outcome = async (page: Page, name = "load") => page.evaluate(async (n) => window.weights.outcome(n), name);
const digest = async (page: Page, step = 100_000) => page.evaluate(async (s) => window.weights.digest(s), step);
const list = async (page: Page) => page.evaluate(async (o) => (await window.weights.WeightStore.open(o)).list(), options);
const opened = async (page: Page, id: string) => page.evaluate(async ([o, i]) => window.weights.open(o, i), [options, id] as const);

/** Resolves when a load has stored at least so many bytes. */
async function untilStored(page: Page, bytes: number): Promise<void> {
  await expect.poll(async () => storedBytes(page), { intervals: [20] }).toBeGreaterThanOrEqual(bytes);
}

/** The chunk offset at which a download begins that finds `stored` bytes. */
const resumeRange = (stored: number) => `bytes=${stored}-`;
const ranges = (file: HostedFile) => file.requests.map(({ range }) => range);
const starts = (file: HostedFile) => ranges(file).map((range) => Number(/^bytes=(\d+)-/.exec(range ?? "")?.[1]));
const storedBytes = async (page: Page) => (await list(page))[0]?.storedBytes ?? 0;

test.describe("from the hub", () => {
  test("a model is loaded through the redirect, checked against the hub's SHA-256 and read back", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(1);
    const loaded = await load(page, request);
    expect(loaded).toMatchObject({ id: request.id, size: SIZE, sha256: file.sha256 });
    expect(await digest(page)).toEqual({ sha256: file.sha256 });
    expect(loaded.progress.at(-1)).toMatchObject({ phase: "download", loaded: SIZE, total: SIZE });
    expect(await list(page)).toMatchObject([{ id: request.id, name: "tiny.gguf", size: SIZE, storedBytes: SIZE, complete: true }]);
  });

  test("no request needs a CORS preflight, which the CDN would refuse", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(2);
    file.behaviour.breakAfter = [3 * CHUNK];
    await load(page, request);
    expect(file.requests).toHaveLength(2);
    expect(hub.preflights).toBe(0);
    expect(hub.apiRequests).toEqual([`/api/models/${REPO}/paths-info/main`]);
  });

  test("a stored model is opened without the network", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(3);
    await load(page, request);
    const { requests } = file;
    await hub.close();
    await page.reload();
    expect(await load(page, request)).toMatchObject({ id: request.id, sha256: file.sha256 });
    expect(await opened(page, request.id)).toMatchObject({ id: request.id });
    expect(await digest(page)).toEqual({ sha256: file.sha256 });
    expect(requests).toHaveLength(1);
    hub = await Hub.start();
  });

  test("a file that is not what the hub states fails its checksum and nothing of it is kept", async ({ context }) => {
    const page = await openPage(context);
    const { request } = publish(4);
    const failed = await load(page, { ...request, sha256: "ab".repeat(32) });
    expect(failed.error).toMatchObject({ code: "checksum-mismatch" });
    expect(await list(page)).toEqual([]);
    expect(await opened(page, request.id)).toMatchObject({ error: { code: "model-not-found" } });
  });

  test("without a stated checksum the model loads and none is invented", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(5);
    hub.apiWorks = false;
    const loaded = await load(page, request);
    expect(loaded.id).toBe(request.id);
    expect(loaded.sha256).toBeUndefined();
    expect(await digest(page)).toEqual({ sha256: file.sha256 });
  });

  test("a catalogue's new checksum replaces a stored model, and its failure leaves the stored one", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(6);
    const first = file.sha256;
    await load(page, { ...request, sha256: first });
    file.bytes = seededBytes(7, SIZE + 1);
    const second = file.sha256;
    file.behaviour.status = 404;
    expect((await load(page, { ...request, sha256: second })).error).toMatchObject({ code: "model-not-found" });
    expect(await opened(page, request.id)).toMatchObject({ sha256: first });
    file.behaviour = {};
    expect(await load(page, { ...request, sha256: second })).toMatchObject({ sha256: second, size: SIZE + 1 });
    expect(await list(page)).toHaveLength(1);
    expect(await digest(page)).toEqual({ sha256: second });
  });
});

test.describe("an interrupted download", () => {
  test("goes on after the connection broke, twice, from the bytes that had come", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(10);
    file.behaviour.breakAfter = [CHUNK + 65_536, 2 * CHUNK + 65_536];
    expect(await load(page, request)).toMatchObject({ sha256: file.sha256 });
    // What was on its way when the connection broke may or may not have come.
    const [first = -1, second = -1, third = -1] = starts(file);
    expect(first).toBe(0);
    expect(second).toBeGreaterThan(0);
    expect(second).toBeLessThanOrEqual(CHUNK + 65_536);
    expect(third).toBeGreaterThan(second);
    expect(await digest(page)).toEqual({ sha256: file.sha256 });
  });

  test("goes on after the connection fell silent", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(11);
    file.behaviour.stallAfter = [4 * CHUNK];
    expect(await load(page, request)).toMatchObject({ sha256: file.sha256 });
    expect(ranges(file)).toEqual([resumeRange(0), resumeRange(4 * CHUNK)]);
  });

  test("goes on after the server was busy", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(12);
    file.behaviour.statuses = [503];
    expect(await load(page, request)).toMatchObject({ sha256: file.sha256 });
  });

  test("gives up after several connections that bring nothing, keeps what is stored, and goes on from there later", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(13);
    file.behaviour.breakAfter = [5 * CHUNK + 1, 0, 0, 0, 0, 0, 0, 0];
    const failed = await load(page, request);
    expect(failed.error).toMatchObject({ code: "network-failed" });
    expect(failed.error?.message).toContain(`The connection to ${request.urls[0]} failed. Load again: what is stored already is kept.`);
    expect(file.requests).toHaveLength(6);
    const stored = await storedBytes(page);
    expect(stored).toBeGreaterThanOrEqual(CHUNK);
    expect(stored).toBeLessThanOrEqual(5 * CHUNK);
    file.behaviour = {};
    expect(await load(page, request)).toMatchObject({ sha256: file.sha256 });
    expect(ranges(file).at(-1)).toBe(resumeRange(stored));
  });

  test("goes on after its tab was closed, having checked the chunks that are here", async ({ context }) => {
    const first = await openPage(context);
    const { file, request } = publish(14);
    file.behaviour.bytesPerSecond = 2_000_000;
    await begin(first, request);
    await untilStored(first, 3 * CHUNK);
    await first.close();
    file.behaviour = {};
    const page = await openPage(context);
    const stored = await storedBytes(page);
    expect(stored).toBeLessThan(SIZE);
    const resumed = await load(page, request);
    expect(resumed).toMatchObject({ sha256: file.sha256 });
    expect(ranges(file)).toEqual([resumeRange(0), resumeRange(stored)]);
    expect(resumed.progress[0]).toMatchObject({ phase: "verify", loaded: 0, total: stored });
    expect(resumed.progress.find(({ phase }) => phase === "download")).toMatchObject({ loaded: stored, total: SIZE, rate: 0 });
    expect(await digest(page)).toEqual({ sha256: file.sha256 });
  });

  test("loads again from the first chunk that was damaged while the tab was closed", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(15);
    file.behaviour.bytesPerSecond = 2_000_000;
    await begin(page, request);
    await untilStored(page, 5 * CHUNK);
    await page.evaluate(() => window.weights.abort("load"));
    await outcome(page);
    await damageChunk(page, 3);
    file.behaviour = {};
    expect(await load(page, request)).toMatchObject({ sha256: file.sha256 });
    expect(ranges(file).at(-1)).toBe(resumeRange(3 * CHUNK));
  });

  test("stops at once when it is aborted; stored chunks stay", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(16);
    file.behaviour.bytesPerSecond = 1_000_000;
    await begin(page, request);
    await untilStored(page, 2 * CHUNK);
    const begun = Date.now();
    await page.evaluate(() => window.weights.abort("load"));
    expect((await outcome(page)).error).toMatchObject({ code: "aborted" });
    expect(Date.now() - begun).toBeLessThan(1000);
    expect((await list(page))[0]).toMatchObject({ complete: false });
    expect((await list(page))[0]?.storedBytes).toBeGreaterThanOrEqual(2 * CHUNK);
  });

  test("ends when its model is deleted meanwhile, and leaves nothing behind", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(17);
    file.behaviour.bytesPerSecond = 2_000_000;
    await begin(page, request);
    await untilStored(page, CHUNK);
    await page.evaluate(async ([o, id]) => (await window.weights.WeightStore.open(o)).delete(id), [options, request.id] as const);
    expect((await outcome(page)).error).toMatchObject({ code: "aborted" });
    expect(await list(page)).toEqual([]);
    expect(await storedKeys(page)).toEqual([]);
  });

  test("says that the device is offline, and that what is stored is kept", async ({ context }) => {
    const page = await openPage(context);
    const { request } = publish(18);
    await context.setOffline(true);
    const failed = await load(page, request);
    expect(failed.error).toMatchObject({ code: "offline" });
    expect(failed.error?.message).toContain("what is stored already is kept");
  });
});

test.describe("a server that is not as it should be", () => {
  test("one without Range is read from the start again, past the bytes that are here", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(20);
    file.behaviour = { noRange: true, breakAfter: [4 * CHUNK + 100_000] };
    expect(await load(page, request)).toMatchObject({ sha256: file.sha256 });
    expect(file.requests.map(({ status }) => status)).toEqual([200, 200]);
    expect(await digest(page)).toEqual({ sha256: file.sha256 });
  });

  test("a file that changes between two connections is begun anew once", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(21);
    hub.apiWorks = false;
    file.behaviour.breakAfter = [3 * CHUNK, 0, 0, 0, 0, 0];
    await load(page, request);
    file.bytes = seededBytes(22, SIZE);
    file.behaviour = {};
    const loaded = await load(page, request);
    expect(loaded.id).toBe(request.id);
    expect(ranges(file).slice(-2)).toEqual([resumeRange(3 * CHUNK), resumeRange(0)]);
    expect(await digest(page)).toEqual({ sha256: file.sha256 });
  });

  test("a file that changes time and again is an error that says so", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(23);
    hub.apiWorks = false;
    file.behaviour = { bytesPerSecond: 3_000_000, breakAfter: [2 * CHUNK, Infinity, 2 * CHUNK, Infinity] };
    const change = setInterval(() => (file.bytes = seededBytes(Math.random() * 1e9, SIZE)), 5);
    const failed = await load(page, request);
    clearInterval(change);
    expect(failed.error).toMatchObject({ code: "source-changed" });
    expect(failed.error?.message).toContain("changed");
  });

  test("a file that is shorter or longer than stated never becomes a model", async ({ context }) => {
    const page = await openPage(context);
    for (const statedSize of [SIZE - 1000, SIZE + 1000]) {
      const { file, request } = publish(24);
      hub.apiWorks = false;
      file.behaviour.statedSize = statedSize;
      expect((await load(page, request)).error?.code).toMatch(/source-changed|network-failed/);
      expect((await list(page)).filter(({ complete }) => complete)).toEqual([]);
    }
  });

  test("one that states no size, or an impossible one, is refused", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(25);
    hub.apiWorks = false;
    file.behaviour.hideSize = true;
    expect((await load(page, request)).error).toMatchObject({ code: "network-failed" });
    file.behaviour = { statedSize: 2 ** 45 };
    expect((await load(page, request)).error).toMatchObject({ code: "file-limit" });
  });

  test("without an ETag the size alone tells a change", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(26);
    file.behaviour = { noETag: true, breakAfter: [3 * CHUNK] };
    expect(await load(page, request)).toMatchObject({ sha256: file.sha256 });
  });
});

test.describe("several addresses", () => {
  test("the page's own copy comes first and the hub is not asked for it", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(30);
    const own = site.publish("own.gguf", file.bytes);
    const loaded = await load(page, { ...request, urls: [own.url, ...request.urls], sha256: file.sha256, size: SIZE });
    expect(loaded).toMatchObject({ sha256: file.sha256 });
    expect(own.file.requests).toHaveLength(1);
    expect(file.requests).toEqual([]);
    expect(hub.apiRequests).toEqual([]);
  });

  for (const [what, bytes, behaviour] of [
    ["is missing", SIZE, { status: 404 }],
    ["is a web page", SIZE, { html: true }],
    ["has another size", SIZE - 1, {}],
    ["has other bytes", SIZE, {}],
    ["fails", SIZE, { status: 500 }],
  ] as const) {
    test(`the hub is next where the page's own copy ${what}`, async ({ context }) => {
      const page = await openPage(context);
      const { file, request } = publish(31);
      const own = site.publish("own.gguf", seededBytes(32, bytes), behaviour);
      const loaded = await load(page, { ...request, urls: [own.url, ...request.urls], sha256: file.sha256, size: SIZE });
      expect(loaded).toMatchObject({ sha256: file.sha256 });
      expect(await digest(page)).toEqual({ sha256: file.sha256 });
    });
  }

  test("a partial of the page's own copy is gone on with from the hub when its hash is known", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(33);
    const own = site.publish("own.gguf", file.bytes, { breakAfter: [4 * CHUNK, 0, 0, 0, 0, 0, 0] });
    expect(await load(page, { ...request, urls: [own.url, ...request.urls], sha256: file.sha256, size: SIZE })).toMatchObject({ sha256: file.sha256 });
    expect(ranges(file)).toEqual([resumeRange(4 * CHUNK)]);
    expect(await digest(page)).toEqual({ sha256: file.sha256 });
  });

  test("when all fail the error says what each answered", async ({ context }) => {
    const page = await openPage(context);
    const missing = `${hub.base}/owner/none/resolve/main/none.gguf`;
    const failed = await load(page, { id: "none", name: "none.gguf", urls: [`${site.base}/nothing/none.gguf?token=secret`, missing] });
    expect(failed.error?.code).toBe("model-not-found");
    expect(failed.error?.message).toContain(`${site.base}/nothing/none.gguf answered with a web page`);
    expect(failed.error?.message).toContain(`${missing} answered with status 404`);
    expect(failed.error?.message).not.toContain("secret");
  });
});

test.describe("two tabs", () => {
  test("load the same model once, and the second follows the progress of the first", async ({ context }) => {
    const [first, second] = [await openPage(context), await openPage(context)];
    const { file, request } = publish(40);
    file.behaviour.bytesPerSecond = 2_000_000;
    await begin(first, request);
    await untilStored(first, CHUNK);
    await begin(second, request);
    const outcomes = [await outcome(first), await outcome(second)];
    for (const result of outcomes) expect(result).toMatchObject({ id: request.id, sha256: file.sha256 });
    expect(file.sent).toBe(SIZE);
    const heard = outcomes[1]?.progress ?? [];
    expect(heard.length).toBeGreaterThan(2);
    expect(heard.some(({ loaded, rate }) => loaded > CHUNK && loaded < SIZE && rate > 0)).toBe(true);
    expect(await digest(second)).toEqual({ sha256: file.sha256 });
  });

  test("the second takes over where the first was closed", async ({ context }) => {
    const [first, second] = [await openPage(context), await openPage(context)];
    const { file, request } = publish(41);
    file.behaviour.bytesPerSecond = 2_000_000;
    await begin(first, request);
    await untilStored(first, 2 * CHUNK);
    await begin(second, request);
    await first.close();
    expect(await outcome(second)).toMatchObject({ id: request.id, sha256: file.sha256 });
    expect(file.requests).toHaveLength(2);
    expect(Number(/bytes=(\d+)-/.exec(ranges(file)[1] ?? "")?.[1])).toBeGreaterThanOrEqual(2 * CHUNK);
  });

  test("one that waits can be aborted, and the other goes on", async ({ context }) => {
    const [first, second] = [await openPage(context), await openPage(context)];
    const { file, request } = publish(42);
    file.behaviour.bytesPerSecond = 3_000_000;
    await begin(first, request);
    await untilStored(first, CHUNK);
    await begin(second, request);
    await second.waitForFunction(() => window.weights.progress("load").length > 0);
    await second.evaluate(() => window.weights.abort("load"));
    expect((await outcome(second)).error).toMatchObject({ code: "aborted" });
    expect(await outcome(first)).toMatchObject({ sha256: file.sha256 });
    expect(file.sent).toBe(SIZE);
  });

  test("load it each for itself where the browser has no Web Locks", async ({ context }) => {
    await context.addInitScript(() => Object.defineProperty(Navigator.prototype, "locks", { get: () => undefined }));
    const [first, second] = [await openPage(context), await openPage(context)];
    const { file, request } = publish(43);
    await begin(first, request);
    await begin(second, request);
    const outcomes = [await outcome(first), await outcome(second)];
    // One of them may end because the other began the partial anew; a model is there in any case.
    expect(outcomes.some(({ sha256 }) => sha256 === file.sha256)).toBe(true);
    expect(await load(first, request)).toMatchObject({ sha256: file.sha256 });
    expect(await digest(first)).toEqual({ sha256: file.sha256 });
  });
});

test.describe("storage", () => {
  test("a model larger than what the browser offers is refused before its first byte, in megabytes", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(50);
    hub.apiWorks = false;
    const { usage, quota } = await page.evaluate(async (o) => (await window.weights.WeightStore.open(o)).estimate(), options);
    file.behaviour.statedSize = quota + 5_000_000_000;
    const failed = await load(page, request);
    expect(failed.error?.code).toBe("quota-exceeded");
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
    expect(failed.error?.message).toBe(
      `The browser has no room to store tiny.gguf (found ${megabytes(file.size)} to store, limit ${megabytes(quota - usage)} free). ` +
        "Delete a stored model or free disk space, then load again: what is stored already is kept.",
    );
    expect(await list(page)).toEqual([]);
    expect(file.requests).toHaveLength(1);
  });

  test("a disk that fills up on the way stops the load; it goes on when there is room", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(51);
    await setQuota(page, 6 * CHUNK);
    const failed = await load(page, request);
    expect(failed.error?.code).toBe("quota-exceeded");
    expect(failed.error?.message).toMatch(/no room to store tiny\.gguf \(found \d\.\d MB to store/);
    const stored = await storedBytes(page);
    expect(stored).toBeGreaterThanOrEqual(CHUNK);
    await setQuota(page, undefined);
    await page.close();
    const later = await openPage(context);
    expect(await load(later, request)).toMatchObject({ sha256: file.sha256 });
    expect(ranges(file).at(-1)).toBe(resumeRange(stored));
    expect(await digest(later)).toEqual({ sha256: file.sha256 });
  });

  test("a page whose storage is blocked hears so and what to do", async ({ context }) => {
    const page = await openPage(context, "/sandboxed");
    const { request } = publish(52);
    const failed = await load(page, request);
    expect(failed.error?.code).toBe("storage-unavailable");
    expect(failed.error?.message).toContain("Leave the private window");
  });

  test("a browser that cannot keep Blobs keeps the bytes themselves", async ({ context }) => {
    // What Safari's private windows do.
    await context.addInitScript(() => {
      const put = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = function (this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
        if (value instanceof Blob) throw new DOMException("BlobURLs are not yet supported.", "DataCloneError");
        return put.call(this, value, key);
      };
    });
    const page = await openPage(context);
    const { file, request } = publish(53);
    expect(await load(page, request)).toMatchObject({ sha256: file.sha256 });
    expect(await digest(page)).toEqual({ sha256: file.sha256 });
  });

  test("deleting a model leaves nothing of it and the others as they were", async ({ context }) => {
    const page = await openPage(context);
    const { request } = publish(54);
    const { file: other, url } = hub.publish(REPO, "other.gguf", seededBytes(55, 3 * CHUNK));
    await load(page, request);
    await load(page, { id: "other", name: "other.gguf", urls: [url] });
    expect((await list(page)).map(({ id }) => id)).toEqual(["other", request.id]);
    await page.evaluate(async ([o, id]) => (await window.weights.WeightStore.open(o)).delete(id), [options, request.id] as const);
    expect((await list(page)).map(({ id }) => id)).toEqual(["other"]);
    expect(await storedKeys(page)).toHaveLength(1 + 3);
    await opened(page, "other");
    expect(await digest(page)).toEqual({ sha256: other.sha256 });
  });

  test("tells what this site uses", async ({ context }) => {
    const page = await openPage(context);
    const { request } = publish(56);
    await load(page, request);
    const estimate = await page.evaluate(async (o) => (await window.weights.WeightStore.open(o)).estimate(), options);
    expect(estimate.usage).toBeGreaterThanOrEqual(SIZE);
    expect(estimate.quota).toBeGreaterThan(estimate.usage);
    expect(estimate.persisted).toBe(await page.evaluate(async () => navigator.storage.persisted()));
  });
});

test.describe("reading", () => {
  test("gives any range, across chunks, and an error beyond the end", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(60);
    await load(page, request);
    for (const [offset, length] of [[0, 0], [0, 1], [SIZE - 1, 1], [CHUNK - 1, 2], [CHUNK - 3, 2 * CHUNK + 7], [5 * CHUNK, CHUNK], [SIZE, 0]] as const) {
      const bytes = await page.evaluate(async ([o, l]) => window.weights.read(o, l), [offset, length] as const);
      expect(Buffer.from(bytes as number[]).equals(file.bytes.subarray(offset, offset + length)), `${length} bytes from ${offset}`).toBe(true);
    }
    for (const [offset, length] of [[SIZE, 1], [0, SIZE + 1], [-1, 1], [0, -1], [0.5, 1]] as const) {
      expect(await page.evaluate(async ([o, l]) => window.weights.read(o, l), [offset, length] as const)).toMatchObject({ code: "file-truncated" });
    }
  });

  for (const [what, damage] of [
    ["changed", async (page: Page, index: number) => damageChunk(page, index)],
    ["gone", async (page: Page, index: number) => damageChunk(page, index, "delete")],
    ["cut short", async (page: Page, index: number) => damageChunk(page, index, "cut")],
  ] as const) {
    test(`a chunk that is ${what} is fetched again, alone and once`, async ({ context }) => {
      const page = await openPage(context);
      const { file, request } = publish(61);
      await load(page, request);
      await damage(page, 4);
      await damage(page, 10);
      await opened(page, request.id);
      expect(await digest(page)).toEqual({ sha256: file.sha256 });
      expect(ranges(file)).toEqual([resumeRange(0), `bytes=${4 * CHUNK}-${5 * CHUNK - 1}`, `bytes=${10 * CHUNK}-${SIZE - 1}`]);
      await page.reload();
      await opened(page, request.id);
      expect(await digest(page)).toEqual({ sha256: file.sha256 });
      expect(file.requests).toHaveLength(3);
    });
  }

  test("a damaged chunk that the source no longer has is an error, and the next load goes on before it", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(62);
    hub.apiWorks = false;
    await load(page, request);
    await damageChunk(page, 4);
    file.bytes = seededBytes(63, SIZE);
    await opened(page, request.id);
    expect((await digest(page)).error).toMatchObject({ code: "storage-damaged" });
    expect(await list(page)).toMatchObject([{ complete: false, storedBytes: 4 * CHUNK }]);
    expect((await load(page, request)).id).toBe(request.id);
    expect(await digest(page)).toEqual({ sha256: file.sha256 });
  });

  test("a damaged chunk without the network is an error that leaves the model for later", async ({ context }) => {
    const page = await openPage(context);
    const { file, request } = publish(64);
    await load(page, request);
    await damageChunk(page, 4);
    await opened(page, request.id);
    await context.setOffline(true);
    expect((await digest(page)).error).toMatchObject({ code: "storage-damaged" });
    await context.setOffline(false);
    expect(await digest(page)).toEqual({ sha256: file.sha256 });
  });

  test("a model that was deleted while it was read says so", async ({ context }) => {
    const page = await openPage(context);
    const { request } = publish(65);
    await load(page, request);
    await page.evaluate(async ([o, id]) => (await window.weights.WeightStore.open(o)).delete(id), [options, request.id] as const);
    expect(await page.evaluate(async () => window.weights.read(0, 1))).toMatchObject({ code: "model-not-found" });
  });
});

test.describe("a file that the person chose", () => {
  const importFile = async (page: Page, seed: number, name = "mine.gguf", length = SIZE) => {
    const input = await page.evaluateHandle(() => document.body.appendChild(Object.assign(document.createElement("input"), { type: "file" })));
    await input.setInputFiles({ name, mimeType: "application/octet-stream", buffer: seededBytes(seed, length) });
    return page.evaluate(async ([chosen, o]) => {
      const file = chosen.files?.[0];
      return file === undefined ? undefined : window.weights.load(o, file);
    }, [input, options] as const);
  };
  const sha256 = (seed: number) => createHash("sha256").update(seededBytes(seed, SIZE)).digest("hex");

  test("is stored, and there after a reload", async ({ context }) => {
    const page = await openPage(context);
    const stored = await importFile(page, 70);
    expect(stored?.id).toMatch(/^file:mine\.gguf:[0-9a-f]{16}$/);
    expect(stored?.progress.map(({ phase }) => phase)).toContain("verify");
    expect(stored?.progress.at(-1)).toMatchObject({ phase: "download", loaded: SIZE, total: SIZE });
    await page.reload();
    await opened(page, stored?.id ?? "");
    expect(await digest(page)).toEqual({ sha256: sha256(70) });
  });

  test("is the model that is here when it is chosen again, and another when its bytes differ", async ({ context }) => {
    const page = await openPage(context);
    const first = await importFile(page, 71);
    const again = await importFile(page, 71);
    expect(again?.id).toBe(first?.id);
    expect(again?.progress.map(({ phase }) => phase)).not.toContain("download");
    expect((await importFile(page, 72))?.id).not.toBe(first?.id);
    expect(await list(page)).toHaveLength(2);
  });

  test("with a damaged chunk is an error that asks for the file, and choosing it again mends it", async ({ context }) => {
    const page = await openPage(context);
    const stored = await importFile(page, 73);
    await damageChunk(page, 7);
    await opened(page, stored?.id ?? "");
    const damaged = await digest(page);
    expect(damaged.error?.code).toBe("storage-damaged");
    expect(damaged.error?.message).toContain("Choose the file again");
    expect((await importFile(page, 73))?.progress.find(({ phase }) => phase === "download")).toMatchObject({ loaded: 7 * CHUNK });
    expect(await digest(page)).toEqual({ sha256: sha256(73) });
  });

  test("that is empty is refused", async ({ context }) => {
    const page = await openPage(context);
    expect((await importFile(page, 74, "empty.gguf", 0))?.error).toMatchObject({ code: "file-not-a-model" });
  });

  test("that does not fit goes on where it stopped when it is chosen again", async ({ context }) => {
    const page = await openPage(context);
    await setQuota(page, 6 * CHUNK);
    expect((await importFile(page, 75))?.error).toMatchObject({ code: "quota-exceeded" });
    const stored = await storedBytes(page);
    expect(stored).toBeGreaterThanOrEqual(CHUNK);
    await setQuota(page, undefined);
    await page.close();
    const later = await openPage(context);
    expect((await importFile(later, 75))?.progress.find(({ phase }) => phase === "download")).toMatchObject({ loaded: stored });
    expect(await digest(later)).toEqual({ sha256: sha256(75) });
  });
});

test("98 MB stream through a source in less than 64 MiB of memory, at the speed of the disk", async ({ context }) => {
  const page = await openPage(context);
  const length = 98_362_432;
  const { file, request } = publish(80, length);
  const real: WeightStoreOptions = { hubBase: hub.base };
  const memory = await MemoryWatch.start(page);
  const begun = Date.now();
  expect(await load(page, request, real)).toMatchObject({ size: length, sha256: file.sha256 });
  const seconds = (Date.now() - begun) / 1000;
  const loading = memory.peak();
  await page.evaluate(async ([o, id]) => window.weights.open(o, id), [real, request.id] as const);
  const milliseconds = await page.evaluate(async () => window.weights.stream(4 * 2 ** 20, window.sampleMemory));
  const reading = memory.peak();
  await memory.stop();
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(`98 MB: loaded and checked in ${seconds.toFixed(1)} s, peak ${mib(loading)}; read in ${milliseconds.toFixed(0)} ms, peak ${mib(reading)}`);
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
  #peak = 0;
  #working = true;
  #watching: Promise<void> = Promise.resolve();

  static async start(page: Page): Promise<MemoryWatch> {
    const watch = new MemoryWatch();
    const session = await page.context().newCDPSession(page);
    const sample = async () => {
      const { usedSize, backingStorageSize } = (await session.send("Runtime.getHeapUsage")) as { usedSize: number; backingStorageSize: number };
      watch.#peak = Math.max(watch.#peak, usedSize + backingStorageSize);
    };
    await page.exposeFunction("sampleMemory", sample);
    watch.#watching = (async () => {
      while (watch.#working) {
        await sample();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    return watch;
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

/** The browser's own limit for the page's origin; undefined lifts it. */
async function setQuota(page: Page, quotaSize: number | undefined): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", { origin: site.base, ...(quotaSize === undefined ? {} : { quotaSize }) });
}

/** What a failing disk does to a stored chunk. */
async function damageChunk(page: Page, index: number, how: "change" | "delete" | "cut" = "change"): Promise<void> {
  await page.evaluate(
    async ([i, kind]) => {
      const settled = async <T>(request: IDBRequest<T>) =>
        new Promise<T>((resolve, reject) => {
          request.addEventListener("success", () => resolve(request.result));
          request.addEventListener("error", () => reject(request.error ?? new Error("IndexedDB failed")));
        });
      const database = await settled(indexedDB.open("longtab-weights"));
      const keys = await settled(database.transaction("weights").objectStore("weights").getAllKeys());
      const key = keys.find((candidate) => Array.isArray(candidate) && candidate[0] === "chunk" && candidate[2] === i);
      if (key === undefined) throw new Error(`no chunk ${i}`);
      const blob = await settled<Blob>(database.transaction("weights").objectStore("weights").get(key));
      const bytes = new Uint8Array(await blob.arrayBuffer());
      bytes[1000] = (bytes[1000] ?? 0) ^ 1;
      const store = database.transaction("weights", "readwrite").objectStore("weights");
      if (kind === "delete") await settled(store.delete(key));
      else await settled(store.put(new Blob([kind === "cut" ? bytes.subarray(0, 5000) : bytes]), key));
      database.close();
    },
    [index, how] as const,
  );
}

async function storedKeys(page: Page): Promise<unknown[]> {
  return page.evaluate(
    async () =>
      new Promise<unknown[]>((resolve, reject) => {
        const opening = indexedDB.open("longtab-weights");
        opening.addEventListener("error", () => reject(opening.error ?? new Error("IndexedDB failed")));
        opening.addEventListener("success", () => {
          const keys = opening.result.transaction("weights").objectStore("weights").getAllKeys();
          keys.addEventListener("success", () => resolve(keys.result));
        });
      }),
  );
}
