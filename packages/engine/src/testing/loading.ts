import { BytesSource, parseGguf } from "@longtab/formats";
import type { ModelFile } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { Tokenizer } from "@longtab/tokenizer";
import { describe, expect, test } from "vitest";
import type { Backend } from "../backend.ts";
import { Engine } from "../engine.ts";
import { answer, greedy, loadTiny } from "./tiny.ts";
import type { LoadOptions, TestedBackend } from "./tiny.ts";

const bytes = tinyModel();

/** Loading: progress, the smallest contexts, files and options that must be refused, aborts. */
export function describeLoading(tested: TestedBackend): void {
  /** Loads the tiny model, its header or its bytes changed. */
  async function load(
    options: LoadOptions = {},
    change: (file: ModelFile) => ModelFile = (file) => file,
    content = bytes,
  ): Promise<Backend> {
    return tested.load(change(await parseGguf(new BytesSource(bytes))), new BytesSource(content), options);
  }

  describe("loading a model", () => {
    test("reports the upload in bytes, to its end", async () => {
      const calls: { phase: string; loaded: number; total: number }[] = [];
      const backend = await load({ onProgress: (progress) => calls.push(progress) });
      const loaded = calls.filter(({ phase }) => phase === "upload").map((call) => call.loaded);
      expect(loaded.length).toBeGreaterThan(1);
      expect(loaded).toEqual(loaded.toSorted((a, b) => a - b));
      expect(loaded.at(-1)).toBe(calls[0]?.total);
      expect(backend.memory().weights).toBeGreaterThan(0);
      backend.dispose();
    });

    test.each([1, 2, 3, 15, 16, 17])("works for a context of %d", async (contextLength) => {
      const backend = await load({ contextLength });
      expect(backend.contextLength).toBe(contextLength);
      backend.dispose();
    });

    test("fails where the file ends inside the weights", async () => {
      await expect(load({}, undefined, bytes.slice(0, bytes.length - 1000))).rejects.toMatchObject({ code: "file-truncated" });
    });

    test("fails where the architecture is not supported", async () => {
      const other = (file: ModelFile): ModelFile => ({
        ...file,
        metadata: new Map([...file.metadata, ["general.architecture", "gemma3"]]),
      });
      await expect(load({}, other)).rejects.toMatchObject({ code: "unsupported-architecture" });
    });

    test.each([0, 257, 1.5, NaN])("fails where the context is %d", async (contextLength) => {
      await expect(load({ contextLength })).rejects.toMatchObject({ code: "invalid-option" });
    });

    test("can be aborted in the middle, and before it begins", async () => {
      const controller = new AbortController();
      const loading = load({ signal: controller.signal, onProgress: ({ loaded }) => void (loaded > 0 && controller.abort()) });
      await expect(loading).rejects.toMatchObject({ code: "aborted" });
      await expect(load({ signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    });
  });

  describe("a model that is disposed", () => {
    test("ends a generation and refuses everything afterwards", async () => {
      const tiny = await loadTiny(tested, { seed: 10, contextLength: 512 });
      const generation = tiny.engine.complete({ text: "the sea and the land" }, { sampling: greedy });
      await generation.next();
      tiny.engine.dispose();
      await expect(
        (async () => {
          for await (const piece of generation) expect(piece.tokens).toBe(1);
        })(),
      ).rejects.toMatchObject({ code: "disposed" });
      await expect(answer(tiny, "the sky")).rejects.toMatchObject({ code: "disposed" });
      expect(() => tiny.backend.createTimeline()).toThrow(expect.objectContaining({ code: "disposed" }));
    });

    test("ends a prompt, and requests behind it", async () => {
      const tiny = await loadTiny(tested, { seed: 10, contextLength: 512 });
      tested.shortenChunks(tiny.backend);
      const prompt = "the sea and the land and the sky and ".repeat(6);
      const work = answer(tiny, prompt, { onPrefill: (done) => void (done === 0 && setTimeout(() => tiny.engine.dispose(), 0)) });
      const results = await Promise.allSettled([work, answer(tiny, prompt)]);
      expect(results).toMatchObject([{ reason: { code: "disposed" } }, { reason: { code: "disposed" } }]);
    });
  });

  test("an engine refuses a tokenizer with more tokens than the embedding has rows", async () => {
    const { backend, engine } = await loadTiny(tested, { vocabulary: 300 });
    const { metadata } = await parseGguf(new BytesSource(tinyModel({ vocabulary: 320 })));
    const tokenizer = Tokenizer.fromMetadata(metadata);
    expect(() => new Engine(backend, tokenizer)).toThrow(
      "The tokenizer has more tokens than the embedding has rows (found 320, limit 300). Use another file of the model.",
    );
    engine.dispose();
  });
}
