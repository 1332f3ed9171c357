import { tinyModel } from "@longtab/formats/testing";
import { expect, test } from "./support/library-test.ts";

/** Among so many tokens the one that ends an answer is seldom drawn. */
const MODEL = tinyModel({ hidden: 512, ffn: 2048, layers: 8, vocabulary: 8192, contextLength: 4096 });
const GREEDY = { temperature: 0, repetition_penalty: 1, messages: [{ role: "user" as const, content: "Another question" }] };

/** How a page's own code gives an answer up. */
const WAYS = {
  "throws from onPrefill": async (params: typeof GREEDY) => {
    const onPrefill = (): never => {
      throw new Error("the page's own");
    };
    await window.library.model?.chat.completions.create({ ...params, onPrefill }).catch(() => {});
  },
  "leaves the iteration before its first chunk": async (params: typeof GREEDY) => {
    const stream = await window.library.model?.chat.completions.create({ ...params, stream: true });
    await stream?.[Symbol.asyncIterator]().return?.();
  },
  "leaves the iteration while it waits for its turn": async (params: typeof GREEDY) => {
    const completions = window.library.model?.chat.completions;
    const first = await completions?.create({ ...params, stream: true });
    const second = (await completions?.create({ ...params, stream: true }))?.[Symbol.asyncIterator]();
    await second?.next();
    const waiting = second?.next().catch(() => {});
    await second?.return?.();
    await waiting;
    first?.abort();
  },
};

for (const [words, giveUp] of Object.entries(WAYS)) {
  test(`an answer ends when the page ${words}, and the next request is answered at once`, async ({ openPage, site }) => {
    const page = await openPage();
    const { url } = site.publish("callers.gguf", MODEL);
    await page.evaluate(async (address) => window.library.load(address, { backend: "cpu", context: "dense" }), url);
    const begun = Date.now();
    await page.evaluate(giveUp, GREEDY);
    const { completion } = await page.evaluate(async (params) => window.library.create(params), { ...GREEDY, max_tokens: 12 });
    // The rest of the answer that was given up, some thousand tokens, was not written first.
    expect((Date.now() - begun) / 1000).toBeLessThan(400 * ((completion?.usage.longtab.decode_seconds ?? 0) / 11));
  });
}
