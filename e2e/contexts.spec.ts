import type { Page } from "@playwright/test";
import { tinyModel } from "@longtab/formats/testing";
import type { ChatCompletion, ContextOptions, LoadOptions, PolicyName } from "longtab";
import { expect, openLibrary, test } from "./support/library-test.ts";

/** What a conversation remembers and what is kept of it, on the processor, which is quick with a tiny model. */
const TRAINED = 512;
const MODEL = tinyModel({ contextLength: TRAINED, layers: 4 });
const HEADS = 4 * 2;
const WORDS = "one two three four five six seven eight nine ten eleven twelve ".repeat(16);
const GREEDY = { temperature: 0, repetition_penalty: 1 };

type Completion = Partial<ChatCompletion> & { error?: string };

const load = async (page: Page, url: string, options: Omit<LoadOptions, "onProgress" | "signal"> = {}) =>
  page.evaluate(async ([address, given]) => window.library.load(address, { backend: "cpu", ...given }), [url, options] as const);
const complete = async (page: Page, content: string, more: object = {}): Promise<Completion> => {
  const params = { ...GREEDY, messages: [{ role: "user" as const, content }], max_tokens: 4, ...more };
  const { completion, error } = await page.evaluate(async (p) => window.library.create(p), params);
  return error === undefined ? (completion ?? {}) : { error: error.code };
};
const cached = ({ usage }: Completion): number => usage?.prompt_tokens_details.cached_tokens ?? -1;
const textOf = ({ choices }: Completion): string => choices?.[0].message.content ?? "";

test.describe("a context", () => {
  const contexts: readonly [PolicyName | ContextOptions | undefined, Partial<{ policy: PolicyName; endless: boolean }>][] = [
    [undefined, { policy: "auto", endless: true }],
    ["dense", { policy: "dense", endless: false }],
    ["streaming", { policy: "streaming", endless: true }],
    [
      { policy: "streaming", sinks: 16, recent: 64 },
      { policy: "streaming", endless: true },
    ],
    ["quest", { policy: "quest", endless: true }],
  ];
  for (const [context, expected] of contexts) {
    test(`of ${JSON.stringify(context ?? "no choice")} says what it is, and counts its pages`, async ({ openPage, site }) => {
      const page = await openPage();
      const { info, error } = await load(page, site.publish("context.gguf", MODEL).url, context === undefined ? {} : { context });
      expect(error).toBeUndefined();
      expect(info?.context).toMatchObject({ ...expected, description: expect.stringMatching(/\d tokens/) as unknown as string });
      expect(info?.contextLength).toBe(expected.endless === true ? Infinity : TRAINED);
      expect(info?.context.headMap.source).toBe(expected.policy === "auto" ? "missing" : "unused");
      const { usage } = await complete(page, WORDS.slice(0, 300));
      const { pages, kv_bytes: bytes, context_tokens: tokens } = usage?.longtab ?? {};
      const { sink = 0, recent = 0, kept = 0, forgotten = 0 } = pages ?? {};
      expect(sink + recent + kept + forgotten).toBe(HEADS * Math.ceil((tokens ?? 0) / 16));
      expect(bytes).toBeGreaterThan(0);
      expect(bytes).toBeLessThanOrEqual(info?.memory.kvBudget ?? 0);
    });
  }

  test("that ends refuses what is too long; one that does not goes on past the trained window", async ({ openPage, site }) => {
    const { url } = site.publish("context.gguf", MODEL);
    const page = await openPage();
    await load(page, url, { context: "dense" });
    expect(await complete(page, WORDS)).toEqual({ error: "context-exceeded" });
    await page.evaluate(async () => window.library.model?.dispose());
    await load(page, url, { context: { policy: "streaming", sinks: 16, recent: 64 } });
    const { usage } = await complete(page, WORDS, { max_tokens: 8 });
    expect(usage?.prompt_tokens).toBeGreaterThan(TRAINED);
    const { pages, forgotten } = usage?.longtab ?? {};
    expect(pages?.forgotten).toBeGreaterThan((pages?.recent ?? 0) + (pages?.sink ?? 0));
    // All but the beginning and the end of the one message.
    expect(forgotten).toHaveLength(1);
    expect(forgotten?.[0]?.message).toBe(0);
    expect(forgotten?.[0]?.start).toBeLessThan(100);
    expect(forgotten?.[0]?.end).toBeGreaterThan(WORDS.length - 400);
  });

  test("tells a few times what is held while it reads", async ({ openPage, site }) => {
    const page = await openPage();
    await load(page, site.publish("context.gguf", MODEL).url, { context: "streaming" });
    const seen = await page.evaluate(async (content) => {
      const caches: { tokens: number; bytes: number }[] = [];
      const messages = [{ role: "user" as const, content }];
      await window.library.model?.chat.completions.create({ messages, max_tokens: 2, onCache: (cache) => caches.push(cache) });
      return caches;
    }, WORDS.repeat(30));
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.map(({ tokens }) => tokens)).toEqual(seen.map(({ tokens }) => tokens).toSorted((a, b) => a - b));
  });

  test("that cannot be is refused with a typed error", async ({ openPage, site }) => {
    const { url } = site.publish("context.gguf", MODEL);
    const page = await openPage();
    const refused = async (options: object) => (await load(page, url, options)).error;
    expect(await refused({ context: "everything" })).toMatchObject({ code: "invalid-option", value: "everything" });
    expect(await refused({ context: { policy: "streaming", recent: -1 } })).toMatchObject({ code: "invalid-option", value: "-1" });
    expect(await refused({ context: { headMap: { version: 9 } } })).toMatchObject({ code: "invalid-option", value: "9", limit: "1" });
    expect(await refused({ memoryBudget: 0 })).toMatchObject({ code: "invalid-option", value: "0", limit: "at least 65536" });
    expect(await refused({ memoryBudget: Number.NaN })).toMatchObject({ code: "invalid-option", value: "NaN" });
    expect(await refused({ context: "dense", contextLength: TRAINED, memoryBudget: 65_536 })).toMatchObject({ code: "out-of-memory" });
  });

  test("within a budget takes no more, and is planned before it is loaded", async ({ openPage, site }) => {
    const { url } = site.publish("context.gguf", MODEL);
    const page = await openPage();
    const plan = async (options: object) =>
      page.evaluate(
        async ([address, given]) => window.library.Longtab.models.plan(address, given).catch((error: unknown) => String(error)),
        [url, options] as const,
      );
    expect(await plan({})).toContain("Nothing is known of this model before it is stored");
    const { info } = await load(page, url, { memoryBudget: 500_000 });
    expect(info?.memory.kvBudget).toBeLessThanOrEqual(500_000);
    expect(await plan({ context: "dense" })).toMatchObject({ keeps: TRAINED, endless: false });
    expect(await plan({ memoryBudget: 500_000 })).toMatchObject({ endless: true });
  });
});

test("heads are measured in the page: then a load has a map of its own; what is aborted leaves nothing", async ({ openPage, site }) => {
  const { url } = site.publish("measured.gguf", MODEL);
  const page = await openPage();
  const measure = async (abortAt?: string) =>
    page.evaluate(
      async ([address, stop]) => {
        const abort = new AbortController();
        const phases: string[] = [];
        const onMeasure = ({ phase }: { phase: string }): void => {
          phases.push(phase);
          if (phase === stop) abort.abort();
        };
        const options = { backend: "cpu" as const, signal: abort.signal, onMeasure };
        const code = await window.library.Longtab.models.calibrate(address, options).then(
          ({ streaming }) => `${streaming.length} layers`,
          (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "untyped"),
        );
        return { code, phases: [...new Set(phases)] };
      },
      [url, abortAt] as const,
    );
  const source = async () => {
    const { info } = await load(page, url);
    await page.evaluate(async () => window.library.model?.dispose());
    return info?.context.headMap.source;
  };
  expect(await measure("heads")).toMatchObject({ code: "aborted" });
  expect(await source()).toBe("missing");
  const { code, phases } = await measure();
  expect(code).toBe("4 layers");
  expect(phases).toEqual(["heads", "choice", "gates", "check", "sinks"]);
  expect(await source()).toBe("calibrated");
});

test.describe("a named session", () => {
  /** Long enough that bringing it back is worth while, and within the trained window. */
  const STORY = WORDS.slice(0, 240);
  const OTHER = WORDS.slice(240, 480);
  const asked = { session: "a chat" };
  /** Every stored session of the site, by name, with its pieces. */
  const stored = async (page: Page) =>
    page.evaluate(
      async () =>
        new Promise<{ keys: unknown[] }>((resolve, reject) => {
          const opening = indexedDB.open("longtab-sessions");
          opening.addEventListener("error", () => reject(new Error("The database does not open")));
          opening.addEventListener("success", () => {
            const database = opening.result;
            if (!database.objectStoreNames.contains("sessions")) return resolve({ keys: [] });
            const keys = database.transaction("sessions").objectStore("sessions").getAllKeys();
            keys.addEventListener("success", () => {
              database.close();
              resolve({ keys: keys.result });
            });
          });
        }),
    );
  const names = async (page: Page) =>
    (await stored(page)).keys.flatMap((key) => (Array.isArray(key) && key[0] === "session" ? [String(key[1])] : []));

  for (const context of ["dense", "streaming", "auto"] as const) {
    test(`with ${context} attention goes on after a reload without reading again, with the same words`, async ({ openPage, site }) => {
      const { url } = site.publish(`session-${context}.gguf`, MODEL);
      const page = await openPage();
      await load(page, url, { context });
      const first = await complete(page, STORY, { ...asked, max_tokens: 8 });
      const goOn = {
        ...asked,
        messages: [
          { role: "user", content: STORY },
          { role: "assistant", content: textOf(first) },
          { role: "user", content: "And then?" },
        ],
      };
      await expect.poll(async () => names(page)).toEqual(["a chat"]);
      const expected = await complete(page, "", goOn);
      expect(cached(expected)).toBeGreaterThan(100);
      // The longer one takes the shorter one's place.
      const tokens = expected.usage?.total_tokens ?? 0;
      await page.waitForTimeout(3000);
      await page.reload();
      await page.waitForFunction(() => "library" in window);
      await load(page, url, { context });
      const again = await complete(page, "", goOn);
      expect(textOf(again)).toBe(textOf(expected));
      expect(cached(again)).toBeGreaterThan(100);
      expect(again.usage?.total_tokens).toBe(tokens);
    });
  }

  test("that is damaged or another model's is read again, and the answer is the same", async ({ openPage, site }) => {
    const { url } = site.publish("session.gguf", MODEL);
    const other = site.publish("other.gguf", tinyModel({ contextLength: TRAINED, layers: 4, seed: 7 })).url;
    const page = await openPage();
    await load(page, url, { context: "dense" });
    const first = await complete(page, STORY, asked);
    await expect.poll(async () => names(page)).toEqual(["a chat"]);
    await page.evaluate(
      async () =>
        new Promise<void>((resolve) => {
          indexedDB.open("longtab-sessions").addEventListener("success", (event) => {
            const database = (event.target as IDBOpenDBRequest).result;
            const transaction = database.transaction("sessions", "readwrite");
            const sessions = transaction.objectStore("sessions");
            sessions.openCursor(IDBKeyRange.bound(["piece"], ["piece", []]), "prev").addEventListener("success", (found) => {
              const cursor = (found.target as IDBRequest<IDBCursorWithValue>).result;
              cursor.update(new Blob([new Uint8Array((cursor.value as Blob).size)]));
            });
            transaction.addEventListener("complete", () => {
              database.close();
              resolve();
            });
          });
        }),
    );
    await page.evaluate(async () => window.library.model?.dispose());
    await load(page, url, { context: "dense" });
    const again = await complete(page, STORY, asked);
    expect(cached(again)).toBe(0);
    expect(textOf(again)).toBe(textOf(first));
    await expect.poll(async () => names(page)).toEqual(["a chat"]);
    await page.evaluate(async () => window.library.model?.dispose());
    await load(page, other, { context: "dense" });
    expect(cached(await complete(page, STORY, asked))).toBe(0);
  });

  test("is deleted by its name, and a request without a name keeps nothing", async ({ openPage, site }) => {
    const page = await openPage();
    await load(page, site.publish("session.gguf", MODEL).url, { context: "dense" });
    await complete(page, STORY, asked);
    await expect.poll(async () => names(page)).toEqual(["a chat"]);
    await page.evaluate(async () => window.library.Longtab.sessions.delete("a chat"));
    expect((await stored(page)).keys).toEqual([]);
    await complete(page, `${STORY} more`);
    await page.waitForTimeout(2500);
    expect((await stored(page)).keys).toEqual([]);
  });

  test("deleted right after its answer, or while that is written, is not kept after all", async ({ openPage, site }) => {
    const page = await openPage();
    await load(page, site.publish("session.gguf", MODEL).url, { context: "dense" });
    const remove = async () => page.evaluate(async () => window.library.Longtab.sessions.delete("a chat"));
    await complete(page, STORY, asked);
    await remove();
    await page.waitForTimeout(2500);
    expect((await stored(page)).keys).toEqual([]);
    const writing = complete(page, STORY, { ...asked, max_tokens: 200 });
    await remove();
    await writing;
    await page.waitForTimeout(2500);
    expect((await stored(page)).keys).toEqual([]);
  });

  test("whose request is given up at once stays as it was kept", async ({ openPage, site }) => {
    const page = await openPage();
    const { url } = site.publish("session.gguf", MODEL);
    await load(page, url, { context: "dense" });
    await complete(page, STORY, asked);
    await expect.poll(async () => names(page)).toEqual(["a chat"]);
    await complete(page, OTHER);
    await page.evaluate(async (content) => {
      const params = { session: "a chat", messages: [{ role: "user" as const, content }], stream: true as const };
      (await window.library.model?.chat.completions.create(params))?.abort();
    }, STORY);
    await page.waitForTimeout(2500);
    await page.reload();
    await page.waitForFunction(() => "library" in window);
    await load(page, url, { context: "dense" });
    expect(cached(await complete(page, STORY, asked))).toBeGreaterThan(100);
  });

  test("is kept although another one was asked for behind it and given up while it waited", async ({ openPage, site }) => {
    const page = await openPage();
    await load(page, site.publish("session.gguf", MODEL).url, { context: "dense" });
    await page.evaluate(
      async ([story = "", other = ""]) => {
        const ask = async (session: string, content: string) =>
          window.library.model?.chat.completions.create({ session, messages: [{ role: "user", content }], max_tokens: 100, stream: true });
        const first = await ask("a chat", story);
        const second = await ask("other", other);
        second?.abort();
        for await (const chunk of first ?? []) void chunk;
      },
      [STORY, OTHER],
    );
    await expect.poll(async () => names(page)).toEqual(["a chat"]);
  });

  test("goes on without reading again when another one is asked for at once", async ({ openPage, site }) => {
    const page = await openPage();
    const { url } = site.publish("session.gguf", MODEL);
    await load(page, url, { context: "dense" });
    await complete(page, STORY, asked);
    await expect.poll(async () => names(page)).toEqual(["a chat"]);
    await complete(page, OTHER, { session: "other" });
    await expect.poll(async () => names(page)).toEqual(["a chat", "other"]);
    await page.reload();
    await page.waitForFunction(() => "library" in window);
    await load(page, url, { context: "dense" });
    const both = await Promise.all([complete(page, STORY, asked), complete(page, OTHER, { session: "other" })]);
    for (const completion of both) expect(cached(completion)).toBeGreaterThan(100);
  });

  test("makes room for a newer one where both are more than a quarter of what the browser grants", async ({ openPage, site }) => {
    const page = await openPage();
    await load(page, site.publish("session.gguf", MODEL).url, { context: "dense" });
    // A quarter of it holds either of the two, and not both.
    const quota = 400_000;
    for (const worker of page.workers())
      await worker.evaluate((granted) => (StorageManager.prototype.estimate = async () => ({ quota: granted })), quota);
    await complete(page, STORY, asked);
    await expect.poll(async () => names(page)).toEqual(["a chat"]);
    await complete(page, OTHER, { session: "other" });
    await expect.poll(async () => names(page)).toEqual(["other"]);
  });

  test("never costs an answer where nothing can be stored", async ({ browser, site }) => {
    const page = await openLibrary(await browser.newPage(), site);
    const { url } = site.publish("session.gguf", MODEL);
    await load(page, url, { context: "dense" });
    const session = await page.context().newCDPSession(page);
    await session.send("Storage.overrideQuotaForOrigin", { origin: new URL(page.url()).origin, quotaSize: 1 });
    expect(textOf(await complete(page, STORY, asked))).not.toBe("");
    await page.waitForTimeout(2500);
    expect(cached(await complete(page, STORY, asked))).toBeGreaterThan(50);
    await page.close();
  });
});
