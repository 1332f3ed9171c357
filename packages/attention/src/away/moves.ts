import { LongtabError } from "@longtab/errors";
import type { HeadPages } from "../head-pages.ts";
import type { PageLists } from "../lists.ts";
import { pageTokens } from "../page.ts";
import type { HeadPage, PageForm } from "../page.ts";
import type { AwayPages, LayerTable, PagePool } from "../pool.ts";
import { bringBack, firstAway, isReturned, leave, leaving, missing, residentFrom } from "./head.ts";
import { ReturnedPages } from "./returned.ts";

/** Pages that come back for one step at most: half a megabyte, and a fraction of a millisecond. */
const mostReturns = 256;

/** A page of a head that is to come back. */
interface Wanted {
  head: HeadPages;
  /** As the head has it while it is meant: the number of its stub is given again to others. */
  page: HeadPage;
  /** How much of the attention of its head's queries it would have, near enough. */
  share: number;
  bytes?: Uint8Array<ArrayBuffer> | undefined;
}

/** Pages that a step looked at, of those of a head that may be away: where they begin, and their shares of its queries' attention. */
export interface PageLooks {
  positions: ArrayLike<number>;
  shares: ArrayLike<number>;
}

/** Moves the pages of one timeline out of the pool and back into it, between steps. */
export class PageMoves {
  readonly #pool: PagePool;
  readonly #away: AwayPages;
  readonly #lists: PageLists<LayerTable>;
  /** Form of complete pages. */
  readonly #form: PageForm;
  /** Steps that go by one selection. */
  readonly #every: number;
  /** Whether a rollback may have led to where pages are seen that are away. */
  #backAtAway = false;
  /** Counts them: what is made ready for a step is dropped with the step where one comes meanwhile. */
  #rollbacks = 0;
  /** What steps look for, the largest shares first. */
  #wanted: Wanted[] = [];
  /** What has been read of pages that steps wanted. */
  #arrived: Wanted[] = [];
  /** What steps look for and cannot be read any more. */
  #lost: Wanted[] = [];
  readonly #returned = new WeakMap<HeadPages, ReturnedPages>();
  /** What is being read. */
  readonly #reading = new Set<HeadPage>();

  constructor(pool: PagePool, away: AwayPages, lists: PageLists<LayerTable>, every: number) {
    this.#every = every;
    this.#pool = pool;
    this.#away = away;
    this.#lists = lists;
    this.#form = pool.closes ? "closed" : "open";
  }

  /** A rollback, or another timeline's pages: what rows see whatever is selected may be away. */
  wentBack(): void {
    this.#backAtAway = true;
    this.#rollbacks++;
  }

  /**
   * Between steps: what a row at `length` sees is in the pool, what it need not find there is away, and what earlier ones wanted comes back.
   * @throws LongtabError `storage-damaged` where what it sees cannot be read any more, `context-exceeded`, `out-of-memory`.
   */
  async prepare(heads: readonly HeadPages[], length: number): Promise<void> {
    const rollbacks = this.#rollbacks;
    if (this.#backAtAway) {
      this.#backAtAway = false;
      await this.#recall(heads, length).catch((error: unknown) => {
        // What was given up meanwhile need not be read.
        if (rollbacks !== this.#rollbacks) return;
        // The next step sees what this one would have.
        this.#backAtAway = true;
        throw error;
      });
      if (rollbacks !== this.#rollbacks) return;
    }
    this.#checkLost();
    await this.leave(heads, length);
    // Where several steps go by one selection, what it names stays in its place.
    if (length % this.#every === 0) await this.#bringBack();
  }

  /**
   * Moves away what need not be in the pool for rows at `length`. Where there is no room outside marks go first, then the oldest of what is
   * away: it is forgotten.
   */
  async leave(heads: readonly HeadPages[], length: number): Promise<void> {
    const most = Math.max(...heads.map((head) => leaving(head, length).length)) * this.#pool.shape.kvHeads;
    if (most <= 0) return;
    const rollbacks = this.#rollbacks;
    await this.#away.reserve(most);
    if (rollbacks !== this.#rollbacks) return;
    const leavingNow = heads.flatMap((head) => leaving(head, length).map((position) => ({ head, position })));
    for (const head of heads) head.leftBefore(residentFrom(head, length));
    for (const { head, position } of leavingNow) {
      const page = head.at(position);
      if (page?.stub === undefined && !this.#away.hasRoom(head.layer)) await this.#makeRoom(heads, head.layer);
      // To make room it may have been forgotten.
      if (head.at(position)) this.#leave(head, position);
    }
    this.#away.flush();
  }

  /** What the last step looked at, or would have looked at. */
  looked(heads: readonly HeadPages[], looks: readonly PageLooks[]): void {
    const wanted: Wanted[] = [];
    let said = false;
    for (const [index, head] of heads.entries()) {
      const { positions, shares } = looks[index] ?? { positions: [], shares: [] };
      // A step that goes by what an earlier one looked at says nothing.
      if (positions.length === 0) continue;
      said = true;
      const returned: { position: number; share: number }[] = [];
      for (let at = 0; at < positions.length; at++) {
        const [position = NaN, share = 0] = [positions[at], shares[at]];
        const page = head.at(position);
        if (page?.form === "away") wanted.push({ head, page, share });
        else if (isReturned(head, position)) returned.push({ position, share });
      }
      this.#returnedOf(head).look(returned);
    }
    if (said) this.#wanted = wanted.toSorted((a, b) => b.share - a.share);
  }

  /** Brings back what steps wanted: what is outside in memory now, what is on its way there for a step that comes later. */
  async #bringBack(): Promise<void> {
    const coming = this.#arrived.splice(0).filter(isAway);
    while (coming.length < mostReturns && this.#reading.size < mostReturns && this.#wanted.length > 0) {
      // The best first; those that there is no time for now come for a later step.
      const next = this.#wanted.splice(0, mostReturns - coming.length).filter(isAway);
      coming.push(...next.filter((page) => this.#read(page)));
    }
    for (const wanted of coming) {
      const { head, page, share } = wanted;
      // Pages that come back are no reason to fail, nor for marks to go.
      if (!this.#giveWay(wanted) || !(await this.#reserve(head.layer, 1).catch(() => false)) || !this.#place(wanted)) continue;
      this.#returnedOf(head).add(page.position, share);
    }
  }

  /** Brings back what rows at `length` see whatever is selected, as after a rollback; waits until it is there. */
  async #recall(heads: readonly HeadPages[], length: number): Promise<void> {
    const recalled = heads.flatMap((head) => missing(head, length).map((page) => ({ head, page, share: 0 })));
    const read = await Promise.all(recalled.map(({ head, page }) => readAway(this.#away, head.layer, page.page)));
    for (const [index, wanted] of recalled.entries()) {
      if (!isAway(wanted)) continue;
      await this.#reserve(wanted.head.layer, 1);
      this.#place({ ...wanted, bytes: read[index] });
    }
  }

  /** Whether what is outside of a page is in memory: where not it begins to be read. */
  #read(wanted: Wanted): boolean {
    const { head, page } = wanted;
    if (this.#reading.has(page)) return false;
    const bytes = this.#away.read(head.layer, page.page);
    if (bytes instanceof Uint8Array) {
      wanted.bytes = bytes;
      return true;
    }
    this.#reading.add(page);
    void bytes
      .catch(() => undefined)
      .then((read) => {
        this.#reading.delete(page);
        if (read) this.#arrived.push({ ...wanted, bytes: read });
        else this.#lost.push(wanted);
      });
    return false;
  }

  /** Makes room in a head's share of the pool, where the page is worth it. */
  #giveWay({ head, share }: Wanted): boolean {
    const position = this.#returnedOf(head).giveWay(share);
    if (position === false) return false;
    if (position !== undefined) this.#leave(head, position);
    return true;
  }

  #returnedOf(head: HeadPages): ReturnedPages {
    const known = this.#returned.get(head) ?? new ReturnedPages(head);
    this.#returned.set(head, known);
    return known;
  }

  /** What steps look for and cannot have would be missing without a word, unless a rollback has given it up. */
  #checkLost(): void {
    if (this.#lost.splice(0).some(isAway)) throw damaged();
  }

  async #reserve(layer: number, count: number): Promise<boolean> {
    await this.#pool.reserve({ open: 0, closed: 0, [this.#form]: count }, layer);
    return true;
  }

  #place(wanted: Wanted): boolean {
    const { head, bytes } = wanted;
    const { position } = wanted.page;
    // Another call may have been quicker, or the timeline rolled back.
    if (!bytes || !isAway(wanted)) return false;
    const { page, form } = bringBack(this.#pool, head, position, this.#form);
    this.#away.fill(head.layer, page, form, bytes);
    this.#replaced(head, head.indexOf(position));
    return true;
  }

  /** Makes room outside for a page of a layer, as long as something is left that may go. */
  async #makeRoom(heads: readonly HeadPages[], layer: number): Promise<void> {
    while (!this.#away.hasRoom(layer)) {
      this.#away.flush();
      if (await this.#away.roomComes()) continue;
      const [mark] = this.#pool.marks;
      if (mark) mark.dispose();
      else if (!this.#forgetOldest(heads)) return;
    }
  }

  #leave(head: HeadPages, position: number): void {
    const index = head.indexOf(position);
    leave(this.#pool, this.#away, head, index);
    this.#replaced(head, index);
  }

  /** Gives back the oldest block of what is away; false where nothing is. */
  #forgetOldest(heads: readonly HeadPages[]): boolean {
    const first = Math.min(...heads.map((head) => firstAway(head) ?? Infinity));
    if (!Number.isFinite(first)) return false;
    for (const head of heads) {
      const changed = head.giveBackAway(first + pageTokens);
      if (changed !== undefined) this.#lists.changed(head.layer, head.kvHead, changed);
    }
    return true;
  }

  #replaced(head: HeadPages, index: number): void {
    const page = head.pages[index];
    if (page) this.#lists.replaced(head.layer, head.kvHead, index, page);
  }
}

/** Whether the page is still the one that was meant. */
function isAway({ head, page }: Wanted): boolean {
  return head.at(page.position) === page;
}

/**
 * What a page that is away holds.
 * @throws LongtabError `storage-damaged` where that cannot be read any more.
 */
export async function readAway(away: AwayPages, layer: number, stub: number): Promise<Uint8Array<ArrayBuffer>> {
  let cause: unknown;
  const bytes = await Promise.resolve(away.read(layer, stub)).catch((error: unknown) => {
    cause = error;
    return undefined;
  });
  if (bytes) return bytes;
  throw damaged(cause);
}

function damaged(cause?: unknown): LongtabError {
  return new LongtabError({
    code: "storage-damaged",
    what: "A part of the conversation that had moved to disk cannot be read",
    remedy: "ask again: the conversation is read anew",
    cause,
  });
}
