import type { HeadPages } from "../head-pages.ts";
import { pageTokens } from "../page.ts";
import { isReturned, returnedPages } from "./head.ts";

/** How much more of the attention a page must have than one in its way that steps look at too: else they would take turns. */
const clearly = 2;

/** The pages of one head that were away and came back: no more than its rule says. Those go first that steps have not looked at for longest. */
export class ReturnedPages {
  readonly #head: HeadPages;
  /** Their shares of the attention when steps last looked at them, by position; in the order in which they go. */
  readonly #shares: Map<number, number>;
  /** How many of them, the last, the last step looked at. */
  #looked = 0;

  constructor(head: HeadPages) {
    this.#head = head;
    // A fork's are those of the timeline that it came from.
    this.#shares = new Map(returnedPages(head).map((position) => [position, 0]));
  }

  /** Says which of them a step looks at, with their shares. */
  look(looks: readonly { position: number; share: number }[]): void {
    for (const { position, share } of looks.toSorted((a, b) => a.share - b.share)) {
      this.#shares.delete(position);
      this.#shares.set(position, share);
    }
    this.#looked = looks.length;
  }

  /** Another one came back, which a step looks at. */
  add(position: number, share: number): void {
    this.#shares.set(position, share);
    this.#looked++;
  }

  /** Makes room for one that has such a share: position of one that has to go, undefined where none has to; false where it is not worth it. */
  giveWay(share: number): number | undefined | false {
    const most = this.#head.rule.returns / pageTokens;
    if (this.#shares.size >= most) this.#forgetGone();
    if (this.#shares.size < most) return undefined;
    const [first] = this.#shares;
    if (first === undefined) return false;
    if (this.#looked >= this.#shares.size) {
      if (share <= clearly * first[1]) return false;
      this.#looked--;
    }
    this.#shares.delete(first[0]);
    return first[0];
  }

  /** Pages also go in other ways, as in a rollback. */
  #forgetGone(): void {
    for (const position of this.#shares.keys()) if (!isReturned(this.#head, position)) this.#shares.delete(position);
    this.#looked = Math.min(this.#looked, this.#shares.size);
  }
}
