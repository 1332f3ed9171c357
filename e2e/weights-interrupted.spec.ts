import { CHUNK, SIZE, expect, test } from "./hub/test.ts";

test.describe("an interrupted download", () => {
  test("goes on after the connection broke, twice, from the bytes that had come", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(10);
    file.behaviour.stallAfter = [CHUNK + 65_536, 2 * CHUNK];
    await tab.begin(request);
    await tab.untilStored(CHUNK);
    file.cut();
    await tab.untilStored(3 * CHUNK);
    file.cut();
    expect(await tab.outcome()).toMatchObject({ sha256: file.sha256 });
    // What was on its way when the connection broke may or may not have come.
    const [first, second = 0, third = 0] = file.starts;
    expect(first).toBe(0);
    expect(second).toBeGreaterThanOrEqual(CHUNK);
    expect(second).toBeLessThanOrEqual(CHUNK + 65_536);
    expect(third).toBeGreaterThanOrEqual(3 * CHUNK);
    expect(third).toBeLessThanOrEqual(second + 2 * CHUNK);
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
  });

  test("goes on after the connection fell silent", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(11);
    file.behaviour.stallAfter = [4 * CHUNK];
    expect(await tab.load(request)).toMatchObject({ sha256: file.sha256 });
    expect(file.ranges).toEqual(["bytes=0-", `bytes=${4 * CHUNK}-`]);
  });

  test("goes on after the server was busy", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(12);
    file.behaviour.statuses = [503];
    expect(await tab.load(request)).toMatchObject({ sha256: file.sha256 });
  });

  test("gives up after several connections that bring nothing, keeps what is stored, and goes on from there later", async ({
    openTab,
    publish,
  }) => {
    const tab = await openTab();
    const { file, request } = publish(13);
    file.behaviour.stallAfter = [5 * CHUNK + 1];
    await tab.begin(request);
    await tab.untilStored(5 * CHUNK);
    file.behaviour.status = 503;
    file.cut();
    const failed = await tab.outcome();
    expect(failed.error).toMatchObject({ code: "network-failed" });
    expect(failed.error?.message).toBe(`${request.urls[0]} answered with status 503. Load again: what is stored already is kept.`);
    expect(file.requests).toHaveLength(6);
    const stored = await tab.storedBytes();
    expect(stored).toBe(5 * CHUNK);
    file.behaviour = {};
    expect(await tab.load(request)).toMatchObject({ sha256: file.sha256 });
    expect(file.ranges.at(-1)).toBe(`bytes=${stored}-`);
  });

  test("goes on after its tab was closed, having checked the chunks that are here", async ({ openTab, publish }) => {
    const first = await openTab();
    const { file, request } = publish(14);
    file.behaviour.bytesPerSecond = 2_000_000;
    await first.begin(request);
    await first.untilStored(3 * CHUNK);
    await first.close();
    file.behaviour = {};
    const tab = await openTab();
    const stored = await tab.storedBytes();
    expect(stored).toBeLessThan(SIZE);
    const resumed = await tab.load(request);
    expect(resumed).toMatchObject({ sha256: file.sha256 });
    expect(file.ranges).toEqual(["bytes=0-", `bytes=${stored}-`]);
    expect(resumed.progress[0]).toMatchObject({ phase: "verify", loaded: 0, total: stored });
    expect(resumed.progress.find(({ phase }) => phase === "download")).toMatchObject({ loaded: stored, total: SIZE, rate: 0 });
    expect(await tab.digest()).toEqual({ sha256: file.sha256 });
  });

  test("loads again from the first chunk that was damaged while the tab was closed", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(15);
    file.behaviour.bytesPerSecond = 2_000_000;
    await tab.begin(request);
    await tab.untilStored(5 * CHUNK);
    await tab.abort();
    await tab.outcome();
    await tab.damageChunk(3);
    file.behaviour = {};
    expect(await tab.load(request)).toMatchObject({ sha256: file.sha256 });
    expect(file.ranges.at(-1)).toBe(`bytes=${3 * CHUNK}-`);
  });

  test("stops at once when it is aborted; stored chunks stay", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(16);
    file.behaviour.bytesPerSecond = 1_000_000;
    await tab.begin(request);
    await tab.untilStored(2 * CHUNK);
    const begun = Date.now();
    await tab.abort();
    expect((await tab.outcome()).error).toMatchObject({ code: "aborted" });
    expect(Date.now() - begun).toBeLessThan(1000);
    expect((await tab.list())[0]).toMatchObject({ complete: false });
    expect((await tab.list())[0]?.storedBytes).toBeGreaterThanOrEqual(2 * CHUNK);
  });

  test("ends when its model is deleted meanwhile, and leaves nothing behind", async ({ openTab, publish }) => {
    const tab = await openTab();
    const { file, request } = publish(17);
    file.behaviour.bytesPerSecond = 2_000_000;
    await tab.begin(request);
    await tab.untilStored(CHUNK);
    await tab.delete(request.id);
    expect((await tab.outcome()).error).toMatchObject({ code: "aborted" });
    expect(await tab.list()).toEqual([]);
    expect(await tab.storedKeys()).toEqual([]);
  });

  test("says that the device is offline, and that what is stored is kept", async ({ context, openTab, publish }) => {
    const tab = await openTab();
    const { request } = publish(18);
    await context.setOffline(true);
    const failed = await tab.load(request);
    expect(failed.error).toMatchObject({ code: "offline" });
    expect(failed.error?.message).toContain("what is stored already is kept");
  });
});

test.describe("two tabs", () => {
  test("load the same model once, and the second follows the progress of the first", async ({ openTab, publish }) => {
    const [first, second] = [await openTab(), await openTab()];
    const { file, request } = publish(40);
    file.behaviour.bytesPerSecond = 2_000_000;
    await first.begin(request);
    await first.untilStored(CHUNK);
    await second.begin(request);
    const outcomes = [await first.outcome(), await second.outcome()];
    for (const result of outcomes) expect(result).toMatchObject({ id: request.id, sha256: file.sha256 });
    expect(file.sent).toBe(SIZE);
    const heard = outcomes[1]?.progress ?? [];
    expect(heard.length).toBeGreaterThan(2);
    expect(heard.some(({ loaded, rate }) => loaded > CHUNK && loaded < SIZE && rate > 0)).toBe(true);
    expect(await second.digest()).toEqual({ sha256: file.sha256 });
  });

  test("the second takes over where the first was closed", async ({ openTab, publish }) => {
    const [first, second] = [await openTab(), await openTab()];
    const { file, request } = publish(41);
    file.behaviour.bytesPerSecond = 2_000_000;
    await first.begin(request);
    await first.untilStored(2 * CHUNK);
    await second.begin(request);
    await first.close();
    expect(await second.outcome()).toMatchObject({ id: request.id, sha256: file.sha256 });
    expect(file.requests).toHaveLength(2);
    expect(Number(/bytes=(\d+)-/.exec(file.ranges[1] ?? "")?.[1])).toBeGreaterThanOrEqual(2 * CHUNK);
  });

  test("one that waits can be aborted, and the other goes on", async ({ openTab, publish }) => {
    const [first, second] = [await openTab(), await openTab()];
    const { file, request } = publish(42);
    file.behaviour.bytesPerSecond = 3_000_000;
    await first.begin(request);
    await first.untilStored(CHUNK);
    await second.begin(request);
    await second.untilProgress();
    await second.abort();
    expect((await second.outcome()).error).toMatchObject({ code: "aborted" });
    expect(await first.outcome()).toMatchObject({ sha256: file.sha256 });
    expect(file.sent).toBe(SIZE);
  });

  test("load it each for itself where the browser has no Web Locks", async ({ openTab, publish }) => {
    const withoutLocks = () => void Object.defineProperty(Navigator.prototype, "locks", { get: () => undefined });
    const [first, second] = [await openTab("/", withoutLocks), await openTab("/", withoutLocks)];
    const { file, request } = publish(43);
    await first.begin(request);
    await second.begin(request);
    const outcomes = [await first.outcome(), await second.outcome()];
    // One of them may end because the other began the partial anew; a model is there in any case.
    expect(outcomes.some(({ sha256 }) => sha256 === file.sha256)).toBe(true);
    expect(await first.load(request)).toMatchObject({ sha256: file.sha256 });
    expect(await first.digest()).toEqual({ sha256: file.sha256 });
  });
});
