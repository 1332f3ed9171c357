import { LongtabError } from "@longtab/errors";
import type { ErrorCode } from "@longtab/errors";
import type { Engine } from "@longtab/engine";
import type { SessionStore } from "./session-store.ts";

/** After an answer so long nothing must be asked before it is worth keeping what was read; milliseconds. */
const restMs = 1500;
/** Tokens that are read again as fast as they are brought back. */
const leastTokens = 48;

/** A snapshot that fails so once always will; "internal" is how storage says that it lost a part. Anything else may be better another time. */
const unusable: ReadonlySet<ErrorCode> = new Set(["snapshot-damaged", "snapshot-mismatch", "unsupported-version", "internal"]);

/**
 * Keeps what the engine holds of named sessions, and brings it back where that saves reading. Nothing here may cost an answer: whatever fails
 * means that tokens are read again.
 */
export class SessionKeeper {
  readonly #engine: Pick<Engine, "contextIds" | "snapshot" | "restore">;
  readonly #model: string;
  readonly #store: SessionStore;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whose request came last, unless it was deleted since. */
  #session: string | undefined;
  /** Counts requests: a snapshot ends when another one comes. */
  #requests = 0;

  /** @param model a fingerprint of the weights. */
  constructor(engine: Pick<Engine, "contextIds" | "snapshot" | "restore">, model: string, store: SessionStore) {
    this.#engine = engine;
    this.#model = model;
    this.#store = store;
  }

  /** A request comes: what is being kept must not keep it waiting. */
  interrupt(): void {
    this.#requests++;
    clearTimeout(this.#timer);
  }

  /** Brings the session back where it holds more of the prompt than the engine does. */
  async recall(name: string, prompt: Uint32Array, signal?: AbortSignal): Promise<void> {
    this.#session = name;
    try {
      const record = await this.#store.find(name);
      if (!record || common(record.ids, prompt) < common(this.#engine.contextIds, prompt) + leastTokens) return;
      await this.#engine.restore(this.#store.source(record), this.#model, signal);
    } catch (error) {
      if (unusable.has(LongtabError.from(error).code)) await this.#store.delete(name).catch(() => {});
    }
  }

  /** The request that was recalled for is over: keeps the session when nothing else is asked for a moment. */
  keepSoon(name: string, prompt: Uint32Array): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.keep(name, prompt), restMs);
  }

  /** True where all of it was stored. */
  async keep(name: string, prompt: Uint32Array): Promise<boolean> {
    const request = this.#requests;
    const wanted = (): boolean => this.#requests === request && this.#session === name;
    const ids = this.#engine.contextIds;
    if (!wanted() || ids.length < leastTokens || !wasRead(prompt, ids)) return false;
    return this.#store.save(name, ids, this.#engine.snapshot(this.#model), wanted).catch(() => false);
  }

  /** A session was deleted: what is being kept of it goes too, and no more is kept before it is asked for again. */
  async forget(name: string): Promise<void> {
    if (this.#session === name) this.#session = undefined;
    await this.#store.delete(name).catch(() => {});
  }
}

/**
 * Whether tokens that are held are those of a request for `prompt`. One that was given up early leaves those of another conversation, or a part
 * of its own, which must not take the place of what was kept.
 */
function wasRead(prompt: Uint32Array, held: Uint32Array): boolean {
  const read = common(held, prompt);
  return read === Math.min(held.length, prompt.length) && read + leastTokens > prompt.length;
}

/** Tokens that two sequences begin with in common. */
function common(a: Uint32Array, b: Uint32Array): number {
  const end = Math.min(a.length, b.length);
  for (let at = 0; at < end; at++) if (a[at] !== b[at]) return at;
  return end;
}
