import type { HeadPages } from "./head-pages.ts";
import type { Policy } from "./policies/policy.ts";
import type { PagePool } from "./pool.ts";

/**
 * A place in a timeline to return to: the end of a turn, under policies that give back what a rollback would need. It shares the timeline's
 * pages, so that it costs none until they part, and gives them up where the pool needs them: its length is 0 then.
 */
export class CacheMark {
  #pool: PagePool;
  #heads: readonly HeadPages[];
  #length: number;

  /** Takes over the heads' pages; `KvCache.mark` makes marks. */
  constructor(pool: PagePool, heads: readonly HeadPages[], length: number) {
    this.#pool = pool;
    this.#heads = heads;
    this.#length = length;
    pool.marks.add(this);
  }

  /** Tokens before it; 0 when it is gone. */
  get length(): number {
    return this.#length;
  }

  /** The pages for another holder, whose heads follow `policy`. */
  share(policy: Policy): HeadPages[] {
    return this.#heads.map((head) => head.fork(policy.rule(head.layer, head.kvHead)));
  }

  dispose(): void {
    for (const head of this.#heads) head.truncate(0);
    this.#length = 0;
    this.#pool.marks.delete(this);
  }
}
