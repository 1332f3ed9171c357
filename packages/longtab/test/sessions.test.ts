import { describe, expect, it, vi } from "vitest";
import type { Engine } from "@longtab/engine";
import { LongtabError } from "@longtab/errors";
import { PieceSource } from "../src/sessions/piece-source.ts";
import { SessionKeeper } from "../src/sessions/session-keeper.ts";
import { newest } from "../src/sessions/session-store.ts";
import type { SessionRecord, SessionStore } from "../src/sessions/session-store.ts";

const record = (name: string, savedAt: number, bytes = 100, tokens = 0): SessionRecord => ({
  name,
  savedAt,
  pieces: [bytes],
  key: name,
  ids: Uint32Array.from({ length: tokens }, (_, index) => index),
});

describe("which sessions stay", () => {
  it("the newest, as many as there may be", () => {
    const kept = newest([record("a", 1), record("b", 3), record("c", 2)], { sessions: 2, bytes: 1000 });
    expect(kept.map(({ name }) => name)).toEqual(["b", "c"]);
  });

  it("the newest, as far as their bytes go", () => {
    const kept = newest([record("a", 1, 500), record("b", 3, 600), record("c", 2, 400)], { sessions: 9, bytes: 1000 });
    expect(kept.map(({ name }) => name)).toEqual(["b", "c"]);
    expect(newest([record("a", 1, 1001)], { sessions: 9, bytes: 1000 })).toEqual([]);
  });
});

describe("pieces as one run of bytes", () => {
  const bytes = Uint8Array.from({ length: 20 }, (_, index) => index);
  const sizes = [3, 1, 8, 8];
  const starts = [0, 3, 4, 12];
  const read = vi.fn<(index: number) => Promise<Uint8Array<ArrayBuffer>>>(async (index) =>
    bytes.slice(starts[index], (starts[index] ?? 0) + (sizes[index] ?? 0)),
  );
  const source = new PieceSource(sizes, read);

  it("any range is what it would be in one piece", async () => {
    expect(source.size).toBe(20);
    for (let offset = 0; offset <= 20; offset++) {
      for (let length = 0; offset + length <= 20; length++) {
        expect(await source.read(offset, length)).toEqual(bytes.slice(offset, offset + length));
      }
    }
  });

  it("a piece is read once where ranges follow one another", async () => {
    await source.read(0, 1);
    read.mockClear();
    for (let offset = 4; offset < 12; offset++) await source.read(offset, 1);
    expect(read).toHaveBeenCalledTimes(1);
  });

  it("a piece that is gone reads as zeros, which no checksum takes for it", async () => {
    const gone = new PieceSource([4], async () => new Uint8Array(0));
    expect(await gone.read(0, 4)).toEqual(new Uint8Array(4));
  });
});

/** A store in memory, and an engine that only says what it holds: the keeper's decisions are what is tested. */
function keep({ held = 0, stored }: { held?: number; stored?: SessionRecord }) {
  const restored: string[] = [];
  const saved: string[] = [];
  const deleted: string[] = [];
  const engine: Pick<Engine, "contextIds" | "snapshot" | "restore"> = {
    contextIds: Uint32Array.from({ length: held }, (_, index) => index),
    async *snapshot() {
      yield new Uint8Array(8);
    },
    restore: async (source) => {
      if (source.size === 13) throw new LongtabError({ code: "snapshot-damaged", what: "It is damaged" });
      if (source.size === 14) throw new LongtabError({ code: "aborted", what: "It was aborted" });
      if (source.size === 15) throw new LongtabError({ code: "device-lost", what: "The graphics card was reset" });
      restored.push(`${source.size} bytes`);
    },
  };
  const store: SessionStore = {
    find: async () => stored,
    source: ({ pieces }) => new PieceSource(pieces, async () => new Uint8Array(0)),
    save: async (name, ids, pieces, wanted) => {
      let bytes = 0;
      for await (const piece of pieces) {
        if (!wanted()) return false;
        bytes += piece.length;
      }
      saved.push(`${name}: ${ids.length} tokens, ${bytes} bytes`);
      return true;
    },
    delete: async (name) => void deleted.push(name),
  };
  return { keeper: new SessionKeeper(engine, "model", store), restored, saved, deleted };
}

const prompt = Uint32Array.from({ length: 300 }, (_, index) => index);

describe("a session that was kept", () => {
  it("comes back where it holds more of the prompt than the engine", async () => {
    const { keeper, restored } = keep({ held: 10, stored: record("s", 1, 77, 200) });
    await keeper.recall("s", prompt);
    expect(restored).toEqual(["77 bytes"]);
  });

  it.each([
    ["the engine holds as much", { held: 200, stored: record("s", 1, 77, 200) }],
    ["it saves too little", { held: 170, stored: record("s", 1, 77, 200) }],
    ["another conversation is in it", { stored: { ...record("s", 1, 77), ids: new Uint32Array(200).fill(9) } }],
    ["there is none", {}],
  ])("stays where it is when %s", async (_, given) => {
    const { keeper, restored, deleted } = keep(given);
    await keeper.recall("s", prompt);
    expect([restored, deleted]).toEqual([[], []]);
  });

  it("is deleted where it cannot be used, without a word", async () => {
    const { keeper, deleted } = keep({ stored: record("s", 1, 13, 200) });
    await keeper.recall("s", prompt);
    expect(deleted).toEqual(["s"]);
  });

  it.each([
    ["bringing it back was aborted", 14],
    ["the device was lost meanwhile", 15],
  ])("stays where %s", async (_, size) => {
    const { keeper, deleted } = keep({ stored: record("s", 1, size, 200) });
    await keeper.recall("s", prompt);
    expect(deleted).toEqual([]);
  });
});

describe("keeping a session", () => {
  /** A keeper whose engine holds 100 tokens, after a request for a session. */
  async function asked(name: string, held = 100) {
    const kept = keep({ held });
    await kept.keeper.recall(name, prompt);
    return { ...kept, read: prompt.subarray(0, held - 10) };
  }

  it("waits until nothing is asked for a moment, and keeps it once", async () => {
    vi.useFakeTimers();
    const { keeper, saved, read } = await asked("s");
    keeper.keepSoon("s", read);
    await vi.advanceTimersByTimeAsync(1000);
    keeper.interrupt();
    await vi.advanceTimersByTimeAsync(5000);
    expect(saved).toEqual([]);
    keeper.keepSoon("s", read);
    keeper.keepSoon("s", read);
    await vi.advanceTimersByTimeAsync(5000);
    expect(saved).toEqual(["s: 100 tokens, 8 bytes"]);
    vi.useRealTimers();
  });

  it("ends when the next request comes", async () => {
    const { keeper, saved, read } = await asked("s");
    const keeping = keeper.keep("s", read);
    keeper.interrupt();
    expect(await keeping).toBe(false);
    expect(saved).toEqual([]);
  });

  it("ends when it is deleted, and begins again when it is asked for", async () => {
    const { keeper, saved, deleted, read } = await asked("s");
    await keeper.forget("another");
    expect(await keeper.keep("s", read)).toBe(true);
    const keeping = keeper.keep("s", read);
    await keeper.forget("s");
    expect([await keeping, await keeper.keep("s", read)]).toEqual([false, false]);
    expect(deleted).toEqual(["another", "s"]);
    await keeper.recall("s", prompt);
    expect(await keeper.keep("s", read)).toBe(true);
    expect(saved).toHaveLength(2);
  });

  it("leaves what is read again as fast", async () => {
    const { keeper, saved, read } = await asked("s", 20);
    expect(await keeper.keep("s", read)).toBe(false);
    expect(saved).toEqual([]);
  });

  it.each([
    ["a part of it was read", prompt],
    ["nothing of it was read, and another conversation is held", new Uint32Array(90).fill(9)],
    ["nothing of it was read, however short it is", new Uint32Array(20).fill(9)],
  ])("leaves it as it was where the request was given up when %s", async (_, wanted) => {
    const { keeper, saved } = await asked("s");
    expect(await keeper.keep("s", wanted)).toBe(false);
    expect(saved).toEqual([]);
  });
});
