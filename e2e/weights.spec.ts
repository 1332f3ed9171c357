import { seededBytes } from "./hub/hosted-file.ts";
import { CHUNK, REPO, SIZE, expect, test } from "./hub/test.ts";

test.describe("from the hub", () => {
  test("a model is loaded through the redirect, checked against the hub's SHA-256 and read back", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(1);
    const loaded = await tab.load(request);
    expect(loaded).toMatchObject({ id: request.id, size: SIZE, sha256: file.sha256 });
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
    expect(loaded.progress.at(-1)).toMatchObject({ phase: "download", loaded: SIZE, total: SIZE });
    expect(await tab.list()).toMatchObject([{ id: request.id, name: "tiny.gguf", size: SIZE, storedBytes: SIZE, complete: true }]);
  });

  test("no request needs a CORS preflight, which the CDN would refuse", async ({ hub, openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(2);
    file.behaviour.breakAfter = [3 * CHUNK];
    await tab.load(request);
    expect(file.requests).toHaveLength(2);
    expect(hub.preflights).toBe(0);
    expect(hub.apiRequests).toEqual([`/api/models/${REPO}/paths-info/main`]);
  });

  test("a stored model is opened without the network", async ({ hub, openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(3);
    await tab.load(request);
    const { requests } = file;
    await hub.close();
    await tab.reload();
    expect(await tab.load(request)).toMatchObject({ id: request.id, sha256: file.sha256 });
    expect(await tab.open(request.id)).toMatchObject({ id: request.id });
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
    expect(requests).toHaveLength(1);
  });

  test("a file that is not what the hub states fails its checksum and nothing of it is kept", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { request } = publish(4);
    const failed = await tab.load({ ...request, sha256: "ab".repeat(32) });
    expect(failed.error).toMatchObject({ code: "checksum-mismatch" });
    expect(await tab.list()).toEqual([]);
    expect(await tab.open(request.id)).toMatchObject({ error: { code: "model-not-found" } });
  });

  test("without a stated checksum the model loads and none is invented", async ({ hub, openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(5);
    hub.apiWorks = false;
    const loaded = await tab.load(request);
    expect(loaded.id).toBe(request.id);
    expect(loaded.sha256).toBeUndefined();
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
  });

  test("a catalogue's new checksum replaces a stored model, and its failure leaves the stored one", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(6);
    const first = file.sha256;
    await tab.load({ ...request, sha256: first });
    file.bytes = seededBytes(7, SIZE + 1);
    const second = file.sha256;
    file.behaviour.status = 404;
    expect((await tab.load({ ...request, sha256: second })).error).toMatchObject({ code: "model-not-found" });
    expect(await tab.open(request.id)).toMatchObject({ sha256: first });
    file.behaviour = {};
    expect(await tab.load({ ...request, sha256: second })).toMatchObject({ sha256: second, size: SIZE + 1 });
    expect(await tab.list()).toHaveLength(1);
    expect(await tab.digest()).toEqual({ sha256: second });
  });
});

test.describe("a server that is not as it should be", () => {
  test("one without Range is read from the start again, past the bytes that are here", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(20);
    file.behaviour = { noRange: true, breakAfter: [4 * CHUNK + 100_000] };
    expect(await tab.load(request)).toMatchObject({ sha256: file.sha256 });
    expect(file.requests.map(({ status }) => status)).toEqual([200, 200]);
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
  });

  test("a file that changes between two connections is begun anew once", async ({ hub, openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(21);
    hub.apiWorks = false;
    file.behaviour.stallAfter = [3 * CHUNK];
    await tab.begin(request);
    await tab.untilStored(3 * CHUNK);
    await tab.abort();
    await tab.outcome();
    file.bytes = seededBytes(22, SIZE);
    file.behaviour = {};
    const loaded = await tab.load(request);
    expect(loaded.id).toBe(request.id);
    expect(file.ranges.slice(-2)).toEqual([`bytes=${3 * CHUNK}-`, "bytes=0-"]);
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
  });

  test("a file that changes time and again is an error that says so", async ({ hub, openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(23);
    hub.apiWorks = false;
    const [second, third] = [seededBytes(27, SIZE), seededBytes(28, SIZE)];
    file.behaviour = { contents: [file.bytes, second, second, third], breakAfter: [2 * CHUNK, SIZE, 2 * CHUNK] };
    const failed = await tab.load(request);
    expect(failed.error).toMatchObject({ code: "source-changed" });
    expect(file.requests).toHaveLength(4);
  });

  test("a file that is shorter or longer than stated never becomes a model", async ({ hub, openTab, publish }) => {
    const tab = await openTab();
    for (const statedSize of [SIZE - 1000, SIZE + 1000]) {
      const { file, request } = publish(24);
      hub.apiWorks = false;
      file.behaviour.statedSize = statedSize;
      expect((await tab.load(request)).error?.code).toMatch(/source-changed|network-failed/);
      expect((await tab.list()).filter(({ complete }) => complete)).toEqual([]);
    }
  });

  test("one that states no size, or an impossible one, is refused", async ({ hub, openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(25);
    hub.apiWorks = false;
    file.behaviour.hideSize = true;
    expect((await tab.load(request)).error).toMatchObject({ code: "network-failed" });
    file.behaviour = { statedSize: 2 ** 45 };
    expect((await tab.load(request)).error).toMatchObject({ code: "file-limit" });
  });

  test("without an ETag the size alone tells a change", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(26);
    file.behaviour = { noETag: true, breakAfter: [3 * CHUNK] };
    expect(await tab.load(request)).toMatchObject({ sha256: file.sha256 });
  });
});

test.describe("several addresses", () => {
  test("the page's own copy comes first and the hub is not asked for it", async ({ hub, openTab, publish, site }) => {
    const tab = await openTab();
    const { file, request } = publish(30);
    const own = site.publish("own.gguf", file.bytes);
    const loaded = await tab.load({ ...request, urls: [own.url, ...request.urls], sha256: file.sha256, size: SIZE });
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
    test(`the hub is next where the page's own copy ${what}`, async ({ openTab, publish, site }) => {
      const tab = await openTab();
      const { file, request } = publish(31);
      const own = site.publish("own.gguf", seededBytes(32, bytes), behaviour);
      const loaded = await tab.load({ ...request, urls: [own.url, ...request.urls], sha256: file.sha256, size: SIZE });
      expect(loaded).toMatchObject({ sha256: file.sha256 });
      expect(await tab.digest()).toEqual({ sha256: file.sha256 });
    });
  }

  test("a partial of the page's own copy is gone on with from the hub when its hash is known", async ({ openTab, publish, site }) => {
    const tab = await openTab();
    const { file, request } = publish(33);
    const own = site.publish("own.gguf", file.bytes, { stallAfter: [4 * CHUNK] });
    await tab.begin({ ...request, urls: [own.url, ...request.urls], sha256: file.sha256, size: SIZE });
    await tab.untilStored(4 * CHUNK);
    own.file.behaviour.status = 503;
    own.file.cut();
    expect(await tab.outcome()).toMatchObject({ sha256: file.sha256 });
    expect(file.ranges).toEqual([`bytes=${4 * CHUNK}-`]);
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
  });

  test("when all fail the error says what each answered", async ({ hub, openTab, site }) => {
    const tab = await openTab();
    const missing = `${hub.base}/owner/none/resolve/main/none.gguf`;
    const failed = await tab.load({ id: "none", name: "none.gguf", urls: [`${site.base}/nothing/none.gguf?token=secret`, missing] });
    expect(failed.error?.code).toBe("model-not-found");
    expect(failed.error?.message).toContain(`${site.base}/nothing/none.gguf answered with a web page`);
    expect(failed.error?.message).toContain(`${missing} answered with status 404`);
    expect(failed.error?.message).not.toContain("secret");
  });
});
