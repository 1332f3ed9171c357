/** Draft ids of one step at most: with the drawn one, 8 rows. */
export const mostDrafts = 7;

/** Least weight of a new observation: about the last twenty count. */
const newest = 0.1;
/** Steps after which a time is measured anew: the context has grown, or it was measured in a bad moment. */
const shelfLife = 512;
/** A step that took more than so many times its usual time was disturbed. */
const disturbed = 2;
/** What a row more is taken to cost before it was measured, as a share of a step of one row: low enough that drafting is tried. */
const guessedRowCost = 0.1;
/** The chance that a draft id is right, before any was checked: low enough that the first drafts are short. */
const guessedAcceptance = 0.4;

/**
 * Decides how many draft ids the next step should check, from how long steps of 1 to 8 rows take and how often drafts are right. With a
 * chance p that an id is right when all before it are, a step with k drafts gives 1 + p + ... + p^k tokens; k is taken with which a
 * token takes the least time. (Leviathan et al., "Fast Inference from Transformers via Speculative Decoding", 2023, section 3.)
 * Its state follows from the calls alone.
 */
export class DraftPace {
  /** By the rows of a step less one: its seconds, in how many measurements, and the last of those by the number of the step. */
  readonly #seconds = new Float64Array(mostDrafts + 1);
  readonly #measurements = new Uint32Array(mostDrafts + 1);
  readonly #measuredAt = new Float64Array(mostDrafts + 1);
  #steps = 0;
  /** The chance that a draft id is right, by the ids that its look-up matched. */
  readonly #acceptance = new Map<number, number>();

  /** Notes that a step of `rows` rows (1 to 8) took so long. */
  measure(rows: number, seconds: number): void {
    const index = rows - 1;
    const count = this.#isKnown(index) ? (this.#measurements[index] ?? 0) + 1 : 1;
    const before = count === 1 ? seconds : (this.#seconds[index] ?? seconds);
    this.#seconds[index] = before + Math.max(newest, 1 / count) * (Math.min(seconds, before * disturbed) - before);
    this.#measurements[index] = count;
    this.#measuredAt[index] = ++this.#steps;
  }

  /**
   * Notes that of a draft whose look-up matched `matched` ids the first `right` of `checked` were right. Drafts that no step checked
   * may be noted too, once the token is known: so a pace that stopped drafting learns when drafts get better.
   */
  check(matched: number, checked: number, right: number): void {
    let chance = this.#chance(matched);
    for (let index = 0; index < checked && index <= right; index++) chance += newest * (Number(index < right) - chance);
    this.#acceptance.set(matched, chance);
  }

  /** How many of `available` draft ids, whose look-up matched `matched`, the next step should check: 0 to 7. */
  drafts(matched: number, available: number): number {
    // All else is told by a step of one row.
    if (!this.#isKnown(0)) return 0;
    const chance = this.#chance(matched);
    let best = 0;
    let bestRate = 0;
    let tokens = 0;
    let all = 1;
    for (let drafts = 0; drafts <= Math.min(available, mostDrafts); drafts++) {
      tokens += all;
      all *= chance;
      const rate = tokens / this.#estimate(drafts);
      if (rate > bestRate) [best, bestRate] = [drafts, rate];
    }
    return best;
  }

  #chance(matched: number): number {
    return this.#acceptance.get(matched) ?? guessedAcceptance;
  }

  #isKnown(index: number): boolean {
    return (this.#measurements[index] ?? 0) > 0 && this.#steps - (this.#measuredAt[index] ?? 0) < shelfLife;
  }

  /** Seconds of a step of `index` + 1 rows: measured, or on the line through its measured neighbours. */
  #estimate(index: number): number {
    const secondsOf = (known: number): number => this.#seconds[known] ?? 0;
    if (this.#isKnown(index)) return secondsOf(index);
    let below = index;
    while (below > 0 && !this.#isKnown(below)) below--;
    let above = index;
    while (above < mostDrafts && !this.#isKnown(above)) above++;
    if (this.#isKnown(above)) return secondsOf(below) + ((secondsOf(above) - secondsOf(below)) * (index - below)) / (above - below);
    const perRow = below > 0 ? (secondsOf(below) - secondsOf(0)) / below : secondsOf(0) * guessedRowCost;
    return secondsOf(below) + perRow * (index - below);
  }
}
