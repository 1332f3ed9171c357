import { BytesSource } from "@longtab/formats";
import type { ByteSource } from "@longtab/formats";
import { createRandom } from "@longtab/formats/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crc32 } from "../snapshot/crc32.ts";
import { answer, loadTiny, warm } from "./tiny.ts";
import type { TestedBackend, TinyEngine } from "./tiny.ts";

const model = { seed: 13, contextLength: 512 };
const fingerprint = "tiny 13";
const chat = "Tell me of the sea and of the land";

/** Snapshots: what comes back is what was there, and anything else is refused without a trace. */
export function describeSnapshots(tested: TestedBackend): void {
  let tiny: TinyEngine;
  let other: TinyEngine;
  beforeAll(async () => {
    tiny = await loadTiny(tested, model);
    other = await loadTiny(tested, model);
  });
  afterAll(() => {
    tiny.engine.dispose();
    other.engine.dispose();
  });

  /** Holds a conversation and gives its snapshot. */
  async function converse(maxTokens: number, prompt = chat): Promise<Uint8Array<ArrayBuffer>> {
    await answer(tiny, prompt, { maxTokens });
    return takeSnapshot(tiny);
  }

  async function takeSnapshot({ engine }: TinyEngine): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for await (const piece of engine.snapshot(fingerprint)) pieces.push(piece);
    return new Uint8Array(await new Blob(pieces).arrayBuffer());
  }

  function restore(bytes: Uint8Array<ArrayBuffer>, { engine } = other, name = fingerprint): Promise<void> {
    return engine.restore(new BytesSource(bytes), name);
  }

  describe("a snapshot", () => {
    // Greedy tokens do not depend on what was drawn before; with a penalty they depend on the ids before them.
    test.each([
      ["greedy", {}],
      ["drawn, with a penalty on the tokens before", { sampling: { ...warm, repetitionPenalty: 1.4, penaltyWindow: 64 } }],
    ])("lets another engine go on with the same tokens and no prefill: %s", async (_, options) => {
      const opening = await answer(tiny, chat, { maxTokens: 30 });
      const bytes = await takeSnapshot(tiny);
      const next = `${chat}${opening.text} and of the sky?`;
      const expected = await answer(tiny, next, { ...options, maxTokens: 30 });
      await restore(bytes);
      expect(other.engine.contextTokens).toBe(opening.summary.promptTokens + 29);
      const restored = await answer(other, next, { ...options, maxTokens: 30 });
      expect(restored.text).toBe(expected.text);
      expect(restored.summary.cachedTokens).toBe(expected.summary.cachedTokens);
      expect(restored.summary.cachedTokens).toBeGreaterThanOrEqual(opening.summary.promptTokens);
    });

    test.each([1, 15, 16, 17, 31, 32, 33, 300])("of %d tokens comes back as it was", async (length) => {
      const prompt = Array.from({ length }, (_, index) => index % 10).join("");
      const bytes = await converse(1, prompt);
      expect(tiny.engine.contextTokens).toBe(length);
      const again = await answer(tiny, `${prompt}7`, { maxTokens: 12 });
      await restore(bytes);
      expect(other.engine.contextTokens).toBe(length);
      const restored = await answer(other, `${prompt}7`, { maxTokens: 12 });
      expect(restored.text).toBe(again.text);
      expect(restored.summary.cachedTokens).toBe(length);
    });

    test("takes the place of a longer conversation and of a shorter one", async () => {
      const bytes = await converse(10);
      const held = tiny.engine.contextTokens;
      for (const before of ["0123456789".repeat(20), "0"]) {
        await answer(other, before, { maxTokens: 5 });
        await restore(bytes);
        expect(other.engine.contextTokens).toBe(held);
        // Restored and saved once more it is the same conversation.
        await restore(await takeSnapshot(other), tiny);
        expect((await answer(tiny, `${chat}!`, { maxTokens: 8 })).text).toBe((await answer(other, `${chat}!`, { maxTokens: 8 })).text);
      }
    });

    test("of a full context comes back", async () => {
      const bytes = await converse(512, "0123456789".repeat(51));
      await restore(bytes);
      expect(other.engine.contextTokens).toBe(tiny.engine.contextTokens);
    });

    test("of nothing is nothing", async () => {
      const fresh = await loadTiny(tested, model);
      expect(await takeSnapshot(fresh)).toHaveLength(0);
      fresh.engine.dispose();
    });

    test("comes in pieces of a megabyte at most, and lets nothing change meanwhile", async () => {
      const wide = await loadTiny(tested, { ...model, layers: 40 });
      const prompt = "0123456789".repeat(40);
      await answer(wide, prompt, { maxTokens: 1 });
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      let answered = false;
      let waiting: Promise<unknown> = Promise.resolve();
      for await (const piece of wide.engine.snapshot(fingerprint)) {
        if (pieces.push(piece) === 1) waiting = answer(wide, "one two", { maxTokens: 1 }).then(() => (answered = true));
        expect(piece.length).toBeLessThanOrEqual(2 ** 20 + 4);
        await new Promise((resolve) => setTimeout(resolve, 10));
        expect(answered).toBe(false);
      }
      await waiting;
      expect(pieces.length).toBeGreaterThan(3);
      await wide.engine.restore(new BytesSource(new Uint8Array(await new Blob(pieces).arrayBuffer())), fingerprint);
      const restored = await answer(wide, `${prompt}7`, { maxTokens: 8 });
      expect(restored.summary.cachedTokens).toBe(400);
      await answer(wide, "one two", { maxTokens: 1 });
      expect(restored.text).toBe((await answer(wide, `${prompt}7`, { maxTokens: 8 })).text);
      wide.engine.dispose();
    });

    test("that is left half-way lets the next request in", async () => {
      await converse(4);
      for await (const piece of tiny.engine.snapshot(fingerprint)) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      expect((await answer(tiny, chat, { maxTokens: 2 })).summary.completionTokens).toBe(2);
    });
  });

  describe("a snapshot is refused, and what was held stays,", () => {
    let bytes: Uint8Array<ArrayBuffer>;
    beforeAll(async () => {
      bytes = await converse(40);
    });

    /** Every refusal must leave the other engine with the conversation that it had. */
    async function expectRefusal(damagedBytes: Uint8Array<ArrayBuffer>, code: string, name = fingerprint): Promise<void> {
      const before = await answer(other, "one two three", { maxTokens: 6 });
      const held = other.engine.contextTokens;
      await expect(restore(damagedBytes, other, name)).rejects.toMatchObject({ code });
      expect(other.engine.contextTokens).toBe(held);
      const after = await answer(other, "one two three", { maxTokens: 6 });
      expect(after.text).toBe(before.text);
      expect(after.summary.cachedTokens).toBe(after.summary.promptTokens - 1);
    }

    test("where it ends early, at any place", async () => {
      const random = createRandom(1);
      for (const length of [0, 1, 11, 12, 100, bytes.length - 1, ...Array.from({ length: 10 }, () => random.integer(bytes.length))])
        await expectRefusal(bytes.slice(0, length), "snapshot-damaged");
    });

    test("where it goes on", async () => {
      await expectRefusal(Uint8Array.of(...bytes, 0), "snapshot-damaged");
    });

    test("where a bit is wrong, at any place", async () => {
      const random = createRandom(2);
      for (let round = 0; round < 40; round++) {
        // Half of them in the header and the ids.
        const at = random.integer(round % 2 === 0 ? 500 : bytes.length);
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] ?? 0) ^ (1 << random.integer(8));
        await expect(restore(damaged)).rejects.toMatchObject({ code: at >= 4 && at < 8 ? "unsupported-version" : "snapshot-damaged" });
      }
      const last = bytes.slice();
      last[last.length - 1] = (last.at(-1) ?? 0) ^ 128;
      await expectRefusal(last, "snapshot-damaged");
    });

    test("where two blocks changed places", async () => {
      const { layers, kvHeads, pageBytes } = tiny.backend.cacheForm;
      const blockBytes = layers * kvHeads * pageBytes.open;
      const swapped = bytes.slice();
      const end = bytes.length - 4;
      swapped.copyWithin(end - 2 * blockBytes, end - blockBytes, end);
      swapped.set(bytes.subarray(end - 2 * blockBytes, end - blockBytes), end - blockBytes);
      await expectRefusal(swapped, "snapshot-damaged");
    });

    test("where it is of the first version", async () => {
      const first = bytes.slice();
      first[4] = 1;
      await expectRefusal(first, "unsupported-version");
    });

    test("where it is something else", async () => {
      await expectRefusal(new TextEncoder().encode("GGUF, or anything else"), "snapshot-damaged");
    });

    test("where it is of another model", async () => {
      await expectRefusal(bytes, "snapshot-mismatch", "tiny 14");
    });

    test("where it is of another shape", async () => {
      const { engine } = await loadTiny(tested, { ...model, layers: 3 });
      await expect(engine.restore(new BytesSource(bytes), fingerprint)).rejects.toMatchObject({
        code: "snapshot-mismatch",
        message: "The snapshot was made with another number of layers (found 2, limit 3). Read the conversation again.",
      });
      expect(engine.contextTokens).toBe(0);
      engine.dispose();
    });

    test("where it is of another backend", async () => {
      const kind = tiny.backend.kind === "cpu" ? "webgpu" : "cpu";
      const header = headerOf(bytes).replace(`"backend":"${tiny.backend.kind}"`, `"backend":"${kind}"`);
      await expect(restore(withHeader(bytes, header))).rejects.toMatchObject({
        code: "snapshot-mismatch",
        value: kind,
        limit: tiny.backend.kind,
      });
    });

    test("where its header says what cannot be, though its sum is right", async () => {
      const header = headerOf(bytes);
      const tokens = `"tokens":${tiny.engine.contextTokens}`;
      expect(header).toContain(tokens);
      const headers = [
        ["", "snapshot-damaged"],
        ["null", "snapshot-damaged"],
        ["[1, 2]", "snapshot-damaged"],
        [header.slice(1), "snapshot-damaged"],
        [header.replace(tokens, '"tokens":-1'), "snapshot-damaged"],
        [header.replace(tokens, '"tokens":1.5'), "snapshot-damaged"],
        [header.replace(tokens, '"tokens":"7"'), "snapshot-damaged"],
        [header.replace(tokens, '"tokens":500'), "snapshot-damaged"],
        [header.replace(tokens, '"tokens":1e300'), "context-exceeded"],
        [header.replace('"layers":2', '"layers":1000000000'), "snapshot-mismatch"],
        [header.replace('"kvHeads":2', '"kvHeads":1'), "snapshot-mismatch"],
        [header.replace('"headSize":16', '"headSize":8'), "snapshot-mismatch"],
        [header.replace('"blockTokens":16', '"blockTokens":4'), "snapshot-mismatch"],
        [header.replace(/"precision":"[^"]+"/, '"precision":"f64"'), "snapshot-mismatch"],
        [header.replace('"closed":[0,0]', '"closed":[0,16]'), "snapshot-mismatch"],
        [header.replace('"closed":[0,0]', '"closed":[0]'), "snapshot-mismatch"],
        [header.replace('"closed":[0,0]', '"closed":[0,-1]'), "snapshot-damaged"],
        [header.replace('"closed":[0,0]', '"closed":0'), "snapshot-damaged"],
        [header.replace('"name":"dense"', '"name":"sparse"'), "snapshot-mismatch"],
        [header.replace('"name":"dense"', '"name":null'), "snapshot-damaged"],
        [header.replace('"policy":', '"plan":'), "snapshot-damaged"],
        [" ".repeat(100_000), "snapshot-damaged"],
      ] as const;
      for (const [text, code] of headers) {
        expect(text).not.toBe(header);
        await expect(restore(withHeader(bytes, text))).rejects.toMatchObject({ code });
      }
    });

    test("where it has a token that the model does not have", async () => {
      const start = 12 + headerOf(bytes).length + 4;
      const edited = bytes.slice();
      new DataView(edited.buffer).setUint32(start, 320, true);
      const section = edited.subarray(start, start + tiny.engine.contextTokens * 4);
      const before = crc32(edited.subarray(0, start - 4));
      new DataView(edited.buffer).setUint32(start + section.length, crc32(section, before), true);
      await expectRefusal(edited, "snapshot-damaged");
    });

    test("where it is longer than the context", async () => {
      const short = await loadTiny(tested, { ...model, contextLength: 32 });
      await expect(short.engine.restore(new BytesSource(bytes), fingerprint)).rejects.toMatchObject({ code: "context-exceeded" });
      short.engine.dispose();
    });

    test("where it can no longer be read", async () => {
      const gone = new DOMException("The file is gone", "NotReadableError");
      let reads = 0;
      const source: ByteSource = {
        size: bytes.length,
        // Header prelude, header, ids, gaps, and then the first piece.
        read: async (offset, length) => (++reads < 5 ? bytes.slice(offset, offset + length) : Promise.reject(gone)),
      };
      const held = other.engine.contextTokens;
      await expect(other.engine.restore(source, fingerprint)).rejects.toBe(gone);
      expect(other.engine.contextTokens).toBe(held);
    });
  });

  test("a snapshot that changes between its check and its use leaves the session empty and usable", async () => {
    const bytes = await converse(40);
    const expected = (await answer(other, "one two three", { maxTokens: 6 })).text;
    let reads = 0;
    const source: ByteSource = {
      size: bytes.length,
      read: async (offset, length) => {
        const part = bytes.slice(offset, offset + length);
        // Header prelude, header, ids, gaps and a piece; the same again; then the bytes are others.
        if (++reads === 10) part[0] = (part[0] ?? 0) ^ 1;
        return part;
      },
    };
    await expect(other.engine.restore(source, fingerprint)).rejects.toMatchObject({ code: "snapshot-damaged" });
    expect(other.engine.contextTokens).toBe(0);
    expect((await answer(other, "one two three", { maxTokens: 6 })).text).toBe(expected);
  });

  test("an abort while a snapshot is restored leaves the session as it was", async () => {
    const bytes = await converse(40);
    const controller = new AbortController();
    const held = (await answer(other, "one two three", { maxTokens: 6 })) && other.engine.contextTokens;
    const source = new BytesSource(bytes);
    const read = source.read.bind(source);
    source.read = async (offset, length) => {
      controller.abort();
      return read(offset, length);
    };
    await expect(other.engine.restore(source, fingerprint, controller.signal)).rejects.toMatchObject({ code: "aborted" });
    expect(other.engine.contextTokens).toBe(held);
  });
}

function headerOf(snapshot: Uint8Array<ArrayBuffer>): string {
  return new TextDecoder().decode(snapshot.subarray(12, 12 + new DataView(snapshot.buffer).getUint32(8, true)));
}

/** The snapshot with another header, whose length and sum are right; the sums behind it are those of the old one. */
function withHeader(snapshot: Uint8Array<ArrayBuffer>, header: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const rest = snapshot.subarray(12 + headerOf(snapshot).length + 4);
  const edited = new Uint8Array(12 + text.length + 4 + rest.length);
  const view = new DataView(edited.buffer);
  edited.set(snapshot.subarray(0, 8));
  view.setUint32(8, text.length, true);
  edited.set(text, 12);
  view.setUint32(12 + text.length, crc32(edited.subarray(0, 12 + text.length)), true);
  edited.set(rest, 12 + text.length + 4);
  return edited;
}
