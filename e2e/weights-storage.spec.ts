import { createHash } from "node:crypto";
import { seededBytes } from "./hub/hosted-file.ts";
import type { Tab } from "./hub/tab.ts";
import { CHUNK, REPO, SIZE, expect, test } from "./hub/test.ts";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

test.describe("storage", () => {
  test("a model larger than what the browser offers is refused before its first byte, in megabytes", async ({ hub, openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(50);
    hub.apiWorks = false;
    const { usage, quota } = await tab.estimate();
    file.behaviour.statedSize = quota + 5_000_000_000;
    const failed = await tab.load(request);
    expect(failed.error?.code).toBe("quota-exceeded");
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
    expect(failed.error?.message).toBe(
      `The browser has no room to store tiny.gguf (found ${megabytes(file.size)} to store, limit ${megabytes(quota - usage)} free). ` +
        "Delete a stored model or free disk space, then load again: what is stored already is kept.",
    );
    expect(await tab.list()).toEqual([]);
    expect(file.requests).toHaveLength(1);
  });

  test("a disk that fills up on the way stops the load; it goes on when there is room", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(51);
    await tab.setQuota(6 * CHUNK);
    const failed = await tab.load(request);
    expect(failed.error?.code).toBe("quota-exceeded");
    expect(failed.error?.message).toMatch(/no room to store tiny\.gguf \(found \d\.\d MB to store/);
    const stored = await tab.storedBytes();
    expect(stored).toBeGreaterThanOrEqual(CHUNK);
    await tab.setQuota(undefined);
    await tab.close();
    const later = await openTab();
    expect(await later.load(request)).toMatchObject({ sha256: file.sha256 });
    expect(file.ranges.at(-1)).toBe(`bytes=${stored}-`);
    expect(await later.digest()).toEqual({ sha256: file.sha256 });
  });

  test("a page whose storage is blocked hears so and what to do", async ({ openTab, publish }) => {
    const tab = await openTab("/sandboxed");
    const { request } = publish(52);
    const failed = await tab.load(request);
    expect(failed.error?.code).toBe("storage-unavailable");
    expect(failed.error?.message).toContain("Leave the private window");
  });

  test("a browser that cannot keep Blobs keeps the bytes themselves", async ({ openTab, publish }) => {
    // What Safari's private windows do.
    const tab = await openTab("/", () => {
      // oxlint-disable-next-line typescript/unbound-method -- it is called with its store below
      const { put } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.put = function (this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
        if (value instanceof Blob) throw new DOMException("BlobURLs are not yet supported.", "DataCloneError");
        return put.call(this, value, key);
      };
    });
    const { file, request } = publish(53);
    expect(await tab.load(request)).toMatchObject({ sha256: file.sha256 });
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
  });

  test("deleting a model leaves nothing of it and the others as they were", async ({ hub, openTab, publish }) => {
    const tab = await openTab();
    const { request } = publish(54);
    const { file: other, url } = hub.publish(REPO, "other.gguf", seededBytes(55, 3 * CHUNK));
    await tab.load(request);
    await tab.load({ id: "other", name: "other.gguf", urls: [url] });
    expect((await tab.list()).map(({ id }) => id)).toEqual(["other", request.id]);
    await tab.delete(request.id);
    expect((await tab.list()).map(({ id }) => id)).toEqual(["other"]);
    expect(await tab.storedKeys()).toHaveLength(1 + 3);
    await tab.open("other");
    expect(await tab.digest()).toEqual({ sha256: other.sha256 });
  });

  test("tells what this site uses", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { request } = publish(56);
    await tab.load(request);
    const estimate = await tab.estimate();
    expect(estimate.usage).toBeGreaterThanOrEqual(SIZE);
    expect(estimate.quota).toBeGreaterThan(estimate.usage);
    expect(estimate.persisted).toBe(await tab.page.evaluate(async () => navigator.storage.persisted()));
  });
});

test.describe("reading", () => {
  test("gives any range, across chunks, and an error beyond the end", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(60);
    await tab.load(request);
    for (const [offset, length] of [
      [0, 0],
      [0, 1],
      [SIZE - 1, 1],
      [CHUNK - 1, 2],
      [CHUNK - 3, 2 * CHUNK + 7],
      [5 * CHUNK, CHUNK],
      [SIZE, 0],
    ] as const) {
      const expected = sha256(file.bytes.subarray(offset, offset + length));
      expect(await tab.digest({ offset, length, step: SIZE }), `${length} bytes from ${offset}`).toEqual({ sha256: expected });
    }
    for (const [offset, length] of [
      [SIZE, 1],
      [0, SIZE + 1],
      [-1, 1],
      [0, -1],
      [0.5, 1],
    ] as const) {
      expect((await tab.digest({ offset, length, step: Infinity })).error).toMatchObject({ code: "file-truncated" });
    }
  });

  for (const [what, damage] of [
    ["changed", async (tab: Tab, index: number) => tab.damageChunk(index)],
    ["gone", async (tab: Tab, index: number) => tab.damageChunk(index, "delete")],
    ["cut short", async (tab: Tab, index: number) => tab.damageChunk(index, "cut")],
  ] as const) {
    test(`a chunk that is ${what} is fetched again, alone and once`, async ({ openTab, publish }) => {
      const tab = await openTab();
      const { file, request } = publish(61);
      await tab.load(request);
      await damage(tab, 4);
      await damage(tab, 10);
      await tab.open(request.id);
      expect(await tab.digest()).toEqual({ sha256: file.sha256 });
      expect(file.ranges).toEqual(["bytes=0-", `bytes=${4 * CHUNK}-${5 * CHUNK - 1}`, `bytes=${10 * CHUNK}-${SIZE - 1}`]);
      await tab.reload();
      await tab.open(request.id);
      expect(await tab.digest()).toEqual({ sha256: file.sha256 });
      expect(file.requests).toHaveLength(3);
    });
  }

  test("a damaged chunk that the source no longer has is an error, and the next load goes on before it", async ({
    hub,
    openTab,
    publish,
  }) => {
    const tab = await openTab();
    const { file, request } = publish(62);
    hub.apiWorks = false;
    await tab.load(request);
    await tab.damageChunk(4);
    file.bytes = seededBytes(63, SIZE);
    await tab.open(request.id);
    expect((await tab.digest()).error).toMatchObject({ code: "storage-damaged" });
    expect(await tab.list()).toMatchObject([{ complete: false, storedBytes: 4 * CHUNK }]);
    expect((await tab.load(request)).id).toBe(request.id);
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
  });

  test("a damaged chunk without the network is an error that leaves the model for later", async ({ context, openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(64);
    await tab.load(request);
    await tab.damageChunk(4);
    await tab.open(request.id);
    await context.setOffline(true);
    expect((await tab.digest()).error).toMatchObject({ code: "storage-damaged" });
    await context.setOffline(false);
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
  });

  test("a damaged chunk that there is no room to mend is read all the same, and the model stays", async ({ openTab, publish }) => {
    // The browser looks at a quota that changes only now and then.
    const tab = await openTab("/", () => {
      // oxlint-disable-next-line typescript/unbound-method -- it is called with its store below
      const { put } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.put = function (this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
        if (document.title === "full") throw new DOMException("There is no room.", "QuotaExceededError");
        return put.call(this, value, key);
      };
    });
    const { file, request } = publish(66);
    await tab.load(request);
    await tab.damageChunk(4, "delete");
    await tab.page.evaluate(() => (document.title = "full"));
    await tab.open(request.id);
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
    await tab.reload();
    expect(await tab.list()).toMatchObject([{ complete: true }]);
    await tab.open(request.id);
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
    expect(file.ranges.slice(1)).toEqual(Array.from({ length: 2 }, () => `bytes=${4 * CHUNK}-${5 * CHUNK - 1}`));
  });

  test("a model that was deleted while it was read says so", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { request } = publish(65);
    await tab.load(request);
    await tab.delete(request.id);
    expect((await tab.digest()).error).toMatchObject({ code: "model-not-found" });
  });
});

test.describe("a file that the person chose", () => {
  test("is stored, and there after a reload", async ({ openTab }) => {
    const tab = await openTab();
    const stored = await tab.importFile("mine.gguf", seededBytes(70, SIZE));
    expect(stored.id).toMatch(/^file:mine\.gguf:[0-9a-f]{16}$/);
    expect(stored.progress.map(({ phase }) => phase)).toContain("verify");
    expect(stored.progress.at(-1)).toMatchObject({ phase: "download", loaded: SIZE, total: SIZE });
    await tab.reload();
    await tab.open(stored.id ?? "");
    expect(await tab.digest()).toEqual({ sha256: sha256(seededBytes(70, SIZE)) });
  });

  test("is the model that is here when it is chosen again, and another when its bytes differ", async ({ openTab }) => {
    const tab = await openTab();
    const first = await tab.importFile("mine.gguf", seededBytes(71, SIZE));
    const again = await tab.importFile("mine.gguf", seededBytes(71, SIZE));
    expect(again.id).toBe(first.id);
    expect(again.progress.map(({ phase }) => phase)).not.toContain("download");
    expect((await tab.importFile("mine.gguf", seededBytes(72, SIZE))).id).not.toBe(first.id);
    expect(await tab.list()).toHaveLength(2);
  });

  test("with a damaged chunk is an error that asks for the file, and choosing it again mends it", async ({ openTab }) => {
    const tab = await openTab();
    const stored = await tab.importFile("mine.gguf", seededBytes(73, SIZE));
    await tab.damageChunk(7);
    await tab.open(stored.id ?? "");
    const damaged = await tab.digest();
    expect(damaged.error?.code).toBe("storage-damaged");
    expect(damaged.error?.message).toContain("Choose the file again");
    expect((await tab.importFile("mine.gguf", seededBytes(73, SIZE))).progress.find(({ phase }) => phase === "download")).toMatchObject({
      loaded: 7 * CHUNK,
    });
    expect(await tab.digest()).toEqual({ sha256: sha256(seededBytes(73, SIZE)) });
  });

  test("that is empty is refused", async ({ openTab }) => {
    const tab = await openTab();
    expect((await tab.importFile("empty.gguf", Buffer.alloc(0))).error).toMatchObject({ code: "file-not-a-model" });
  });

  test("that does not fit goes on where it stopped when it is chosen again", async ({ openTab }) => {
    const tab = await openTab();
    await tab.setQuota(6 * CHUNK);
    expect((await tab.importFile("mine.gguf", seededBytes(75, SIZE))).error).toMatchObject({ code: "quota-exceeded" });
    const stored = await tab.storedBytes();
    expect(stored).toBeGreaterThanOrEqual(CHUNK);
    await tab.setQuota(undefined);
    await tab.close();
    const later = await openTab();
    expect((await later.importFile("mine.gguf", seededBytes(75, SIZE))).progress.find(({ phase }) => phase === "download")).toMatchObject({
      loaded: stored,
    });
    expect(await later.digest()).toEqual({ sha256: sha256(seededBytes(75, SIZE)) });
  });
});
