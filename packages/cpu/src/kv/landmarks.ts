import type { CacheShape, Policy } from "@longtab/attention";
import type { Heap } from "../heap.ts";
import { selectsBy } from "./page.ts";

/** Pages that rings grow by. */
const stride = 256;

/** Words of a layer's table: the generation, a ring's pages, and the addresses of each head's ring and shortlist. */
function tableWords({ kvHeads }: Pick<CacheShape, "kvHeads">): number {
  return 2 + 2 * kvHeads;
}

/** Bytes of a page's landmark, as assembly/select/landmarks.ts has it; known without the kernels, because plans come before them. */
export function landmarkBytes(headSize: number): number {
  return 16 + Math.ceil(headSize / 16) * 16;
}

/** Bytes of a head's shortlist, as assembly/select/shortlist.ts has it, where `runs` are selected. */
export function shortlistBytes(runs: number, headSize: number): number {
  return 16 + Math.ceil(headSize / 4) * 16 + Math.ceil(runs / 2) * 16;
}

/** Bytes of the landmarks and shortlists of a policy whose lists have up to `capacity` pages; where these have boxes they need none. */
export function landmarksBytes(shape: CacheShape, policy: Policy, capacity: number): number {
  const heads = selectingHeads(shape, policy).length;
  if (heads === 0 || selectsBy(policy.selection) !== "ranges") return 0;
  const perHead = ringPages(capacity) * landmarkBytes(shape.headSize) + shortlistBytes(policy.selection?.runs ?? 0, shape.headSize);
  return heads * perHead + shape.layers * tableWords(shape) * 4;
}

/**
 * What decode steps rank pages by, of the heads that select: a copy of each page's middles, in a ring by position for each head, and the pages
 * that were picked last. The kernels make a landmark anew where it is of another page than the list's; a new generation, which is a word of each
 * landmark and shortlist, voids all of them. Timelines take turns with it, as they take turns with scratch.
 */
export class PageLandmarks {
  readonly #heap: Heap;
  readonly #shape: CacheShape;
  #tables: number | undefined;
  #rings: number | undefined;
  /** Whose rings they are: the heads that select, and the pages of each. */
  #heads: readonly number[] = [];
  #pages = 0;
  #generation = 0;
  #policy: Policy | undefined;
  #owner: object | undefined;

  /** Takes no memory before a step ranks pages. */
  constructor(heap: Heap, shape: CacheShape) {
    this.#heap = heap;
    this.#shape = shape;
  }

  /** Bytes allocated now. */
  get bytes(): number {
    return this.#heads.length * this.#headBytes;
  }

  /** Makes ready for a step of `owner` under `policy`, whose lists hold up to `pages` pages. Throws `out-of-memory`. */
  prepare(owner: object, policy: Policy, pages: number): void {
    if (pages > this.#pages || policy !== this.#policy) this.#build(policy, ringPages(pages));
    else if (owner !== this.#owner) this.#begin();
    this.#owner = owner;
  }

  /** Pages of `owner` may have changed where they were, or are to be ranked as if nothing had been picked yet. */
  forget(owner: object): void {
    if (owner === this.#owner) this.#owner = undefined;
  }

  /** The table of a layer, for the heads that select under the policy of this step. */
  pointer(layer: number): number {
    return (this.#tables ?? 0) + layer * this.#tableBytes;
  }

  get #tableBytes(): number {
    return tableWords(this.#shape) * 4;
  }

  /** Of a ring and the shortlist behind it. */
  get #headBytes(): number {
    return this.#pages * landmarkBytes(this.#shape.headSize) + shortlistBytes(this.#policy?.selection?.runs ?? 0, this.#shape.headSize);
  }

  #build(policy: Policy, pages: number): void {
    const { layers, kvHeads, headSize } = this.#shape;
    const heads = selectingHeads(this.#shape, policy);
    const ringBytes = pages * landmarkBytes(headSize);
    const bytes = ringBytes + shortlistBytes(policy.selection?.runs ?? 0, headSize);
    this.#tables ??= this.#heap.allocate(layers * this.#tableBytes);
    if (this.#rings !== undefined) this.#heap.free(this.#rings);
    this.#rings = undefined;
    this.#heads = [];
    this.#pages = 0;
    const first = this.#heap.allocate(heads.length * bytes);
    this.#rings = first;
    // Nothing of an earlier generation is left, whatever memory holds.
    this.#heap.u8(first, heads.length * bytes).fill(0);
    for (let layer = 0; layer < layers; layer++) {
      const rings = Array.from({ length: kvHeads }, (_, kvHead) => {
        const index = heads.indexOf(layer * kvHeads + kvHead);
        return index < 0 ? 0 : first + index * bytes;
      });
      const shortlists = rings.map((ring) => (ring === 0 ? 0 : ring + ringBytes));
      this.#heap.u32(this.pointer(layer), tableWords(this.#shape)).set([0, pages, ...rings, ...shortlists]);
    }
    this.#heads = heads;
    this.#pages = pages;
    this.#policy = policy;
    this.#begin();
  }

  /** Voids every landmark. */
  #begin(): void {
    // Generation 0 is that of memory that was never written.
    this.#generation = (this.#generation % 0xffff_ffff) + 1;
    for (let layer = 0; layer < this.#shape.layers; layer++) this.#heap.u32(this.pointer(layer), 1)[0] = this.#generation;
  }
}

/** Heads of all layers whose rule selects, by layer and KV head. */
function selectingHeads({ layers, kvHeads }: Pick<CacheShape, "layers" | "kvHeads">, policy: Policy): number[] {
  return Array.from({ length: layers * kvHeads }, (_, index) => index).filter(
    (index) => policy.rule(Math.floor(index / kvHeads), index % kvHeads).selects,
  );
}

function ringPages(pages: number): number {
  return Math.ceil(pages / stride) * stride;
}
