import { DraftLookUp, DraftPace, mostDrafts } from "@longtab/engine/drafts";
import type { Draft } from "@longtab/engine/drafts";

/** Ids that there is room for at first. */
const firstIds = 1024;

/**
 * A timeline's ids by absolute position: those stored, then the one drawn last, then drafts; and what followed the last of them before. It
 * grows with the text; keys and values need not.
 */
export class KnownIds {
  #ids: Uint32Array<ArrayBuffer> = new Uint32Array(firstIds);
  #lookUp = new DraftLookUp(this.#ids);
  readonly #pace = new DraftPace();

  get all(): Uint32Array<ArrayBuffer> {
    return this.#ids;
  }

  /** Makes room for those of `length` tokens, of one drawn behind them, and of drafts. */
  grow(length: number): void {
    const needed = length + 1 + mostDrafts;
    if (needed <= this.#ids.length) return;
    const ids = new Uint32Array(Math.max(needed, 2 * this.#ids.length));
    ids.set(this.#ids);
    this.#ids = ids;
    this.#lookUp = new DraftLookUp(ids);
  }

  set(ids: ArrayLike<number>, position: number): void {
    this.#ids.set(ids, position);
  }

  /** Takes over all of another timeline's. */
  replace(ids: Uint32Array): void {
    this.grow(ids.length);
    this.#ids.set(ids);
    this.#lookUp = new DraftLookUp(this.#ids);
  }

  /** Forgets what is behind `length`; to be called before it is overwritten. */
  truncate(length: number): void {
    this.#lookUp.truncate(Math.min(length, this.#lookUp.length));
  }

  /** What followed the last words of `length` tokens when they occurred before, as far as it pays to check: at most `room` ids. */
  draft(length: number, room: number): { found: Draft | undefined; ids: Uint32Array } {
    if (room === 0) return { found: undefined, ids: new Uint32Array() };
    this.#lookUp.extend(length);
    const found = this.#lookUp.find(room);
    return { found, ids: found ? found.ids.subarray(0, this.#pace.drafts(found.matched, found.ids.length)) : new Uint32Array() };
  }

  /** Notes what a step of `rows` rows took, and how many of the `checked` ids of its draft were right; `first` was drawn. */
  learn(found: Draft | undefined, rows: number, seconds: number, checked: number, first: number, right: number): void {
    this.#pace.measure(rows, seconds);
    if (!found) return;
    // A draft that no step checked: its first id is known now.
    if (checked === 0) this.#pace.check(found.matched, 1, Number(found.ids[0] === first));
    else this.#pace.check(found.matched, checked, right);
  }
}
