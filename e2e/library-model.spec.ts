import type { Page } from "@playwright/test";
import { tinyModel } from "@longtab/formats/testing";
import type { LoadProgress } from "longtab";
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
/** A question to which the tiny model's greedy answer does not end before the context does. */
const ENDLESS = [{ role: "user" as const, content: "Another question" }];
/** Less than the tiny model was trained for: tests that run to its end are short. */
const CONTEXT = 96;
const ABORT_MS = 150;

for (const backend of ["webgpu", "cpu"] as const) {
  const bytes = backend === "cpu" ? LARGER : MODEL;
  test.describe.serial(`a loaded model on ${backend}`, () => {
    let page: Page;
    let progress: LoadProgress[];
    /** Forty greedy tokens. */
    let answer: string;

    test.beforeAll(async ({ browser, site }) => {
      page = await openLibrary(await browser.newPage(), site);
      const { url } = site.publish(`${backend}.gguf`, bytes);
      const loaded = await page.evaluate(
        async ([address, contextLength, kind]) => window.library.load(address, { contextLength, backend: kind, context: "dense" }),
        [url, CONTEXT, backend] as const,
      );
      expect(loaded.error).toBeUndefined();
      ({ progress } = loaded);
    });
    test.afterAll(async () => page.close());

    const stream = async (params: object, stop?: { how: "signal" | "stream" | "loop"; after: number }) =>
      page.evaluate(async ([p, s]) => window.library.stream({ ...p, messages: p.messages }, s), [{ ...GREEDY, ...params }, stop] as const);
    const create = async (params: object) => page.evaluate(async (p) => window.library.create(p), { ...GREEDY, ...params });

    test("came in phases, each from its beginning to its end, with numbers that make sense", () => {
      const order = ["download", "verify", "upload", ...(backend === "webgpu" ? ["shaders"] : [])];
      const phases = [...new Set(progress.map(({ phase }) => phase))];
      expect(phases).toEqual(order.filter((phase) => phases.includes(phase as LoadProgress["phase"])));
      expect(phases).toEqual(expect.arrayContaining(order.filter((phase) => phase !== "verify")));
      expect(new Set(progress.map((report) => report.backend))).toEqual(new Set([backend]));
      for (const phase of phases) {
        const reports = progress.filter((report) => report.phase === phase);
        expect(new Set(reports.map(({ total }) => total)).size).toBe(1);
        expect(reports.at(-1)?.loaded).toBe(reports[0]?.total);
        expect(reports.map(({ loaded }) => loaded)).toEqual(reports.map(({ loaded }) => loaded).toSorted((a, b) => a - b));
        for (const { rate, secondsLeft = 0 } of reports)
          expect(Number.isFinite(rate + secondsLeft) && rate >= 0 && secondsLeft >= 0).toBe(true);
      }
      expect(progress[0]).toMatchObject({ phase: "download", loaded: 0, total: bytes.byteLength });
    });

    test("says what it is and what it takes", async () => {
      const info = await page.evaluate(() => window.library.model?.model);
      expect(info).toMatchObject({
        name: "Tiny llama 1",
        architecture: "llama",
        quantisation: "Q4_1",
        contextLength: CONTEXT,
        trainedContextLength: backend === "cpu" ? 4096 : 256,
        sampling: { temperature: 0.7, top_p: 0.95, top_k: 40, min_p: 0, repetition_penalty: 1 },
      });
      const { weights = 0, scratch = 0, kvBudget = 0 } = info?.memory ?? {};
      for (const kept of [weights, scratch, kvBudget]) expect(kept).toBeGreaterThan(0);
      if (backend === "webgpu") {
        expect(info).toMatchObject({
          backend,
          softwareAdapter: true,
          backendReason: expect.stringMatching(/, as chosen\.$/) as unknown as string,
        });
        expect(info?.adapter).not.toBe("");
      } else {
        // The site is not isolated: its threads could not share memory.
        expect(info).toMatchObject({ backend, adapter: "", softwareAdapter: false, backendReason: "Runs on the processor, as chosen." });
        expect(info?.cpu).toMatchObject({ threads: 1, simd: expect.stringMatching(/^(relaxed|plain)$/) as unknown as string });
      }
    });

    test("streams in OpenAI's chunks: role, text, reason, usage", async () => {
      const { chunks, text, error } = await stream({ max_tokens: 40, stream_options: { include_usage: true } });
      expect(error).toBeUndefined();
      answer = text;
      expect(answer.length).toBeGreaterThan(20);
      const [first] = chunks;
      expect(first?.id).toMatch(/^chatcmpl-/);
      for (const chunk of chunks) {
        expect(chunk).toMatchObject({ id: first?.id, object: "chat.completion.chunk", created: first?.created, model: first?.model });
      }
      expect(first?.choices).toEqual([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]);
      expect(chunks.at(-2)?.choices).toEqual([{ index: 0, delta: {}, finish_reason: "length" }]);
      const between = chunks.slice(1, -2);
      // Several, or nothing was streamed.
      expect(between.length).toBeGreaterThan(3);
      for (const { choices } of between)
        expect(choices).toEqual([{ index: 0, delta: { content: choices[0]?.delta.content }, finish_reason: null }]);
      const usage = chunks.at(-1)?.usage;
      expect(chunks.at(-1)?.choices).toEqual([]);
      expect(usage).toMatchObject({ completion_tokens: 40, total_tokens: (usage?.prompt_tokens ?? 0) + 40 });
      expect(usage?.longtab).toMatchObject({ context_length: CONTEXT });
      // The last token drawn has not been run.
      expect(usage?.longtab.context_tokens).toBe((usage?.prompt_tokens ?? 0) + 39);
      for (const speed of [usage?.longtab.prefill_tokens_per_second, usage?.longtab.decode_tokens_per_second])
        expect(speed).toBeGreaterThan(0);
    });

    test("answers in one piece with the same text, reading only what is new", async () => {
      const { completion } = await create({ max_tokens: 40 });
      expect(completion).toMatchObject({
        object: "chat.completion",
        choices: [{ index: 0, message: { role: "assistant", content: answer }, finish_reason: "length" }],
        usage: { completion_tokens: 40 },
      });
      const { prompt_tokens = 0, prompt_tokens_details: cached } = completion?.usage ?? {};
      expect(cached?.cached_tokens).toBe(prompt_tokens - 1);
    });

    test("counts the tokens that a request will have", async () => {
      const { tokens } = await page.evaluate(async (messages) => window.library.countTokens(messages), HELLO);
      expect((await create({ max_tokens: 1 })).completion?.usage.prompt_tokens).toBe(tokens);
      const longer = [...HELLO, { role: "assistant" as const, content: "Hi" }, { role: "user" as const, content: "More" }];
      expect((await page.evaluate(async (messages) => window.library.countTokens(messages), longer)).tokens).toBeGreaterThan(tokens ?? 0);
    });

    test("writes the same text for the same seed, and another for another", async () => {
      const sample = async (seed: number) => (await stream({ temperature: 1.5, top_k: 0, top_p: 1, seed, max_tokens: 16 })).text;
      const once = await sample(1234);
      expect(await sample(1234)).toBe(once);
      expect(await sample(4321)).not.toBe(once);
    });

    test("stops before a stop string, wherever the tokens part it", async () => {
      const stop = answer.slice(8, 12);
      const expected = answer.slice(0, answer.indexOf(stop));
      const { text, chunks } = await stream({ max_tokens: 40, stop });
      expect(text).toBe(expected);
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("stop");
      const { completion } = await create({ max_tokens: 40, stop: ["never in there", stop] });
      expect(completion?.choices[0]).toMatchObject({ message: { content: expected }, finish_reason: "stop" });
    });

    test("counts the tokens of text that waited, because a stop string might have begun, with that text", async () => {
      const { text, chunks } = await stream({ max_tokens: 40, stop: `${answer.slice(0, 16)} and not this` });
      expect(text).toBe(answer);
      expect(chunks.reduce((sum, { longtab }) => sum + (longtab?.tokens ?? 0), 0)).toBe(40);
    });

    test("stops at max_tokens, also at one, and at the end of its context", async () => {
      expect((await create({ max_tokens: 1 })).completion).toMatchObject({
        usage: { completion_tokens: 1 },
        choices: [{ finish_reason: "length" }],
      });
      expect((await create({ max_completion_tokens: 5, max_tokens: 9 })).completion?.usage.completion_tokens).toBe(5);
      const { completion } = await create({ messages: ENDLESS });
      expect(completion?.choices[0].finish_reason).toBe("length");
      expect(completion?.usage.total_tokens).toBe(CONTEXT);
    });

    for (const [how, after, words] of [
      ["signal", 4, "by its signal"],
      ["stream", 4, "by the stream's abort"],
      ["loop", 4, "by leaving the loop"],
      ["loop", 1, "by leaving the loop at the first chunk"],
    ] as const) {
      test(`is stopped ${words}: at once, and the next request is answered as if nothing had been`, async () => {
        const stopped = await stream({ messages: ENDLESS }, { how, after });
        expect(stopped.chunks).toHaveLength(after);
        expect(stopped.error?.code).toBe(how === "loop" ? undefined : "aborted");
        expect(stopped.stopMs).toBeLessThan(ABORT_MS);
        const begun = Date.now();
        const { completion } = await create({ max_tokens: 12 });
        const took = (Date.now() - begun) / 1000;
        const text = completion?.choices[0].message.content ?? "";
        expect(answer.startsWith(text) && text !== "").toBe(true);
        // The rest of the stopped answer, some sixty tokens, was not written first.
        expect(took).toBeLessThan(40 * ((completion?.usage.longtab.decode_seconds ?? 0) / 11));
      });
    }

    test("is stopped while it reads a prompt, or before", async () => {
      const { codes, stopMs } = await page.evaluate(async (params) => {
        const { model } = window.library;
        if (model === undefined) throw new Error("no model is loaded");
        const abort = new AbortController();
        let abortedAt = Infinity;
        const onPrefill = (): void => {
          abortedAt = performance.now();
          abort.abort();
        };
        const codeOf = async (reply: Promise<unknown>): Promise<unknown> =>
          reply.then(
            () => "answered",
            (error: unknown) => (error instanceof Error && "code" in error ? error.code : "untyped"),
          );
        const reading = await codeOf(model.chat.completions.create({ ...params, signal: abort.signal, onPrefill }));
        const ms = performance.now() - abortedAt;
        const before = await codeOf(model.chat.completions.create({ ...params, signal: AbortSignal.abort() }));
        return { codes: [reading, before], stopMs: ms };
      }, GREEDY);
      expect(codes).toEqual(["aborted", "aborted"]);
      expect(stopMs).toBeLessThan(ABORT_MS);
      expect((await stream({ max_tokens: 40 })).text).toBe(answer);
    });

    test("answers two requests that are sent at once one after the other", async () => {
      const other = { ...GREEDY, messages: ENDLESS, max_tokens: 20 };
      const { order, texts } = await page.evaluate(
        async (requests) => {
          const indices: number[] = [];
          const read = async (index: number, params: (typeof requests)[number]): Promise<string> => {
            let text = "";
            const chunks = await window.library.model?.chat.completions.create({ ...params, stream: true });
            for await (const { choices } of chunks ?? []) {
              text += choices[0]?.delta.content ?? "";
              if (choices[0]?.delta.content) indices.push(index);
            }
            return text;
          };
          return { texts: await Promise.all(requests.map(async (params, index) => read(index, params))), order: indices };
        },
        [{ ...GREEDY, max_tokens: 40 }, other],
      );
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      expect(texts[0]).toBe(answer);
      expect(texts[1]).toBe((await stream(other)).text);
    });

    test("a request that waits its turn can be stopped, and the one before goes on", async () => {
      const [first, second] = await page.evaluate(
        async (params) => Promise.all([window.library.stream(params), window.library.stream(params, { how: "signal", after: 1 })]),
        { ...GREEDY, max_tokens: 40 },
      );
      expect(first.text).toBe(answer);
      expect(second).toMatchObject({ error: { code: "aborted" }, text: "" });
      expect(second.stopMs).toBeLessThan(ABORT_MS);
    });

    test("refuses what it cannot use with a typed error: code, what, value, limit and remedy", async () => {
      expect((await create({ temperature: -1 })).error).toMatchObject({
        code: "invalid-option",
        value: "-1",
        remedy: "leave it out for the default",
      });
      expect((await create({ max_tokens: 0 })).error).toMatchObject({ code: "invalid-option", value: "0", limit: "at least 1" });
      expect((await create({ messages: [] })).error).toEqual({
        code: "invalid-message",
        what: "There is no message",
        value: "",
        limit: "",
        remedy: "pass a list of at least one message",
        message: "There is no message. Pass a list of at least one message.",
      });
      expect((await create({ messages: [{ role: "wizard", content: "Hello" }] })).error).toMatchObject({
        code: "invalid-message",
        value: "wizard",
      });
      expect((await create({ messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }] })).error).toMatchObject({
        code: "invalid-message",
      });
      expect((await stream({ messages: [] })).error?.code).toBe("invalid-message");
      const counted = await page.evaluate(async () => window.library.countTokens([]));
      expect(counted.error?.code).toBe("invalid-message");
    });

    test("refuses a prompt that leaves no room, and says how long it is and how long it may be", async () => {
      const messages = [{ role: "user", content: "\n".repeat(10_000) }];
      const { tokens } = await page.evaluate(async (given) => window.library.countTokens(given as typeof HELLO), messages);
      expect((await create({ messages })).error).toMatchObject({
        code: "context-exceeded",
        value: `${tokens} tokens`,
        limit: `${CONTEXT} tokens`,
        remedy: expect.stringContaining("start a new chat") as unknown as string,
      });
      expect(tokens).toBeGreaterThan(CONTEXT);
      expect((await stream({ max_tokens: 40 })).text).toBe(answer);
    });

    test("reads an empty message and lone surrogates", async () => {
      for (const content of ["", "\ud800", "a\udfffb"]) {
        const { completion, error } = await create({ messages: [{ role: "user", content }], max_tokens: 2 });
        expect(error).toBeUndefined();
        expect(completion?.usage.completion_tokens).toBe(2);
      }
    });

    test("takes messages that a page keeps in reactive proxies", async () => {
      const text = await page.evaluate(
        async (params) => {
          const messages = new Proxy(
            params.messages.map((message) => new Proxy(message, {})),
            {},
          );
          return (await window.library.stream({ ...params, messages })).text;
        },
        { ...GREEDY, max_tokens: 40 },
      );
      expect(text).toBe(answer);
    });

    test("ends its requests and refuses later ones when it is disposed, and is not lost", async () => {
      const { under, later, counted } = await page.evaluate(async (params) => {
        const streaming = window.library.stream(params);
        await new Promise((resolve) => setTimeout(resolve, 100));
        await window.library.model?.dispose();
        await window.library.model?.dispose();
        return {
          under: await streaming,
          later: await window.library.create(params),
          counted: await window.library.countTokens(params.messages),
        };
      }, GREEDY);
      for (const { error } of [under, later, counted]) expect(error).toMatchObject({ code: "disposed", remedy: "load it again" });
      expect(await page.evaluate(() => window.library.lost)).toBeUndefined();
      await expect.poll(() => page.workers()).toHaveLength(0);
    });
  });
}
