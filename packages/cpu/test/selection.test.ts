import { pageTokens } from "@longtab/attention";
import { describe, expect, it } from "vitest";
import { createInput, Layer, rowsOf, runSteps, scene, tokenOf, worstError } from "./attention-scene.ts";
import type { Heads, Run, Scene } from "./attention-scene.ts";
import { decode } from "./decode-page.ts";
import { openKernels } from "./kernels.ts";

const runTokens = 4;
const samples = 16;
interface Page {
  /** [16][E], as the page has them. */
  keys: ArrayLike<number>[];
  /** [E] of the keys: halfway between the least and the most, and from there to either. */
  middles: number[];
  reaches: number[];
}

function pagesOf(layer: Layer, input: Float32Array, kvHead: number, first: number, end: number): Page[] {
  const { headSize } = layer.scene.heads;
  return Array.from({ length: end - first }, (_, index) => {
    const tokens = Array.from({ length: pageTokens }, (__, token) =>
      tokenOf(layer.scene, input, kvHead, (first + index) * pageTokens + token),
    ).map(({ key }) => key);
    const channels = Array.from({ length: headSize }, (__, channel) => tokens.map((key) => key[channel] ?? NaN));
    const middles = channels.map((column) => (Math.max(...column) + Math.min(...column)) / 2);
    const reaches = channels.map((column) => (Math.max(...column) - Math.min(...column)) / 2);
    const { closed, bytes } = layer.page(kvHead, first + index);
    return { keys: closed ? decode(bytes, headSize, layer.scene.precision).keys : tokens, middles, reaches };
  });
}

function queriesOf({ heads: { heads, kvHeads, headSize } }: Scene, row: Float32Array, kvHead: number): Float32Array[] {
  const group = heads / kvHeads;
  return Array.from({ length: group }, (_, query) =>
    row.subarray((kvHead * group + query) * headSize, (kvHead * group + query + 1) * headSize),
  );
}

function dotOf(a: ArrayLike<number>, b: ArrayLike<number>, channels: readonly number[]): number {
  return channels.reduce((sum, channel) => sum + (a[channel] ?? NaN) * (b[channel] ?? NaN), 0) / Math.sqrt(a.length);
}

function fourOf(four: number): number[] {
  return [0, 1, 2, 3].map((channel) => 4 * four + channel);
}

/** Indices of the largest of some numbers, in order. */
function best(values: readonly number[], count: number): number[] {
  const order = Array.from(values.keys()).toSorted((a, b) => (values[b] ?? NaN) - (values[a] ?? NaN));
  return order.slice(0, count).toSorted((a, b) => a - b);
}

/** The rule of assembly/select in f64: the share of a group's attention that each run of 4 candidates has by its chosen channels. */
function sharesByKeys(
  pages: readonly Page[],
  queries: readonly Float32Array[],
  headSize: number,
  runs: number,
  shortlist?: readonly number[],
): number[] {
  const all = Array.from({ length: headSize }, (_, channel) => channel);
  const ranks = sharesOf(
    queries.map((query) => pages.map(({ middles }) => dotOf(query, middles, all))),
    1,
  );
  const picked = new Set(shortlist ?? best(ranks, 2 * runs));
  const sample = Array.from({ length: samples }, (_, index) => pages[Math.floor((index * pages.length) / samples)]?.reaches ?? []);
  const spreads = Array.from({ length: headSize / 4 }, (_, four) =>
    fourOf(four).reduce((sum, channel) => {
      const range = sample.reduce((total, reaches) => total + (reaches[channel] ?? NaN), 0);
      return sum + queries.reduce((total, query) => total + (range * (query[channel] ?? NaN)) ** 2, 0);
    }, 0),
  );
  const chosen = best(spreads, Math.max(1, Math.floor(headSize / 16))).flatMap(fourOf);
  const others = all.filter((channel) => !chosen.includes(channel));
  const scores = queries.map((query) =>
    pages.flatMap(({ keys, middles }, page) =>
      keys.map((key) => (picked.has(page) ? dotOf(query, middles, others) + dotOf(query, key, chosen) : -Infinity)),
    ),
  );
  return sharesOf(scores, runTokens);
}

/** The paper's bound of each page: sum over channels of max(q max, q min). */
function sharesByBounds(pages: readonly Page[], queries: readonly Float32Array[], headSize: number): number[] {
  const scores = queries.map((query) =>
    pages.map(({ keys }) => {
      let bound = 0;
      for (let channel = 0; channel < headSize; channel++) {
        const column = keys.map((key) => (key[channel] ?? NaN) * (query[channel] ?? NaN));
        bound += Math.max(...column);
      }
      return bound / Math.sqrt(headSize);
    }),
  );
  return sharesOf(scores, 1);
}

/** Softmax of each query's scores, summed over the queries and over runs of so many scores. */
function sharesOf(scores: readonly (readonly number[])[], run: number): number[] {
  const shares = Array.from({ length: (scores[0]?.length ?? 0) / run }, () => 0);
  for (const ofQuery of scores) {
    const largest = Math.max(...ofQuery);
    const weights = ofQuery.map((score) => Math.exp(score - largest));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const [index, weight] of weights.entries())
      shares[Math.floor(index / run)] = (shares[Math.floor(index / run)] ?? 0) + weight / sum;
  }
  return shares;
}

/** Indices of the runs that entries cover, counted from the first candidate. */
function runsOf(entries: readonly Run[], first: number, end: number, tokens: number): number[] {
  return entries
    .filter(({ position }) => position >= first * pageTokens && position < end * pageTokens)
    .flatMap(({ position, count }) =>
      Array.from({ length: count / tokens }, (_, index) => (position - first * pageTokens) / tokens + index),
    );
}

/** The smallest share taken of what a reference would take, against the largest that it would leave; 1 where both agree, or nearly so. */
function agreement(shares: readonly number[], taken: readonly number[]): number {
  const set = new Set(taken);
  const least = Math.min(...taken.map((run) => shares[run] ?? NaN));
  const left = Math.max(...shares.filter((_, run) => !set.has(run)));
  return least / left;
}

/** What is taken of the most that as many could have. */
function attained(shares: readonly number[], taken: readonly number[]): number {
  const sum = (indices: readonly number[]): number => indices.reduce((total, index) => total + (shares[index] ?? NaN), 0);
  return sum(taken) / sum(best(shares, taken.length));
}

const shapes: Heads[] = [
  { heads: 9, kvHeads: 3, headSize: 64 },
  { heads: 2, kvHeads: 1, headSize: 8 },
  { heads: 14, kvHeads: 2, headSize: 40 },
];
const selection = { runs: 27, runTokens, sinkPages: 1, recentPages: 3, farFrom: 2 ** 30 };
const context = 1207;
const pages = Math.ceil(context / pageTokens);

describe("selection", () => {
  it.each(
    shapes.flatMap((heads) =>
      (["f16", "kv8", "kv4"] as const).map((precision) =>
        heads.headSize === 64
          ? { heads, precision, simd: "relaxed" as const, threads: 2 }
          : { heads, precision, simd: "plain" as const, threads: 1 },
      ),
    ),
  )(
    "takes the runs with most attention by their keys: $heads.headSize channels, $precision, $simd SIMD",
    async ({ heads, precision, simd, threads }) => {
      const open = await openKernels(simd, threads);
      const layer = new Layer(open, scene(heads, context, { precision, selection, selectBy: "ranges", still: true }), threads);
      const input = createInput(layer.scene, context);
      const [, y] = runSteps(layer, input, [context - 1, 1]);
      const end = pages - selection.recentPages;
      const row = rowsOf(layer.scene, input, context - 1, context);
      const attended = layer.selected.map(
        (entries) => new Set(entries.flatMap(({ position, count }) => Array.from({ length: count }, (_, i) => position + i))),
      );
      for (let kvHead = 0; kvHead < heads.kvHeads; kvHead++) {
        const entries = layer.selected[kvHead] ?? [];
        const positions = entries.map(({ position }) => position);
        expect(positions).toEqual(positions.toSorted((a, b) => a - b));
        expect(entries[0]).toEqual({ position: 0, count: pageTokens, rotation: 0 });
        expect(positions.slice(-selection.recentPages)).toEqual([end, end + 1, end + 2].map((page) => page * pageTokens));
        const taken = runsOf(entries, selection.sinkPages, end, runTokens);
        expect(taken).toHaveLength(selection.runs);
        const shares = sharesByKeys(
          pagesOf(layer, input, kvHead, selection.sinkPages, end),
          queriesOf(layer.scene, row, kvHead),
          heads.headSize,
          selection.runs,
        );
        // Powers are good to 6%, and the same for all but their fractions.
        expect(agreement(shares, taken)).toBeGreaterThan(0.985);
      }
      // What is attended is what was selected; values and keys of closed pages are within a fiftieth, of 4 bits within a third.
      const tolerance = { f16: 1e-3, kv8: 0.03, kv4: 0.5 }[precision];
      const sees = (token: number, _: number, kvHead: number): boolean => attended[kvHead]?.has(token) ?? false;
      expect(worstError(layer.scene, input, context - 1, y ?? new Float32Array(), { sees })).toBeLessThan(tolerance);
      open.team.dispose();
    },
  );

  it("looks between two rankings of all pages at the best of the first alone", async () => {
    const few = { ...selection, runs: 16 };
    const heads = { heads: 9, kvHeads: 3, headSize: 64 };
    const layer = new Layer(await openKernels("plain"), scene(heads, context, { selection: few, selectBy: "ranges", still: true }));
    const input = createInput(layer.scene, context);
    runSteps(layer, input, [1200]);
    // The first ranks all pages because there is no shortlist yet, the fifth because its position is a multiple of 4.
    for (const position of [1200, 1201, 1202, 1203, 1204]) {
      runSteps(layer, input, [1]);
      const row = rowsOf(layer.scene, input, position, position + 1);
      for (let kvHead = 0; kvHead < heads.kvHeads; kvHead++) {
        const known = position % 4 === 0 ? undefined : layer.shortlist(kvHead);
        const candidates = pagesOf(layer, input, kvHead, 1, pages - 3);
        const shares = sharesByKeys(candidates, queriesOf(layer.scene, row, kvHead), heads.headSize, few.runs, known);
        const taken = runsOf(layer.selected[kvHead] ?? [], 1, pages - 3, runTokens);
        expect(taken).toHaveLength(few.runs);
        // Landmarks are of 8 bits: a page at the edge of what is looked at may be another one.
        expect(attained(shares, taken)).toBeGreaterThan(0.96);
        const sums = candidates.map((_, page) => shares.slice(4 * page, 4 * page + 4).reduce((sum, share) => sum + share, 0));
        const listed = layer.shortlist(kvHead);
        expect(listed).toHaveLength(few.runs);
        const elsewhere = taken.filter((run) => !listed.includes(Math.floor(run / 4)));
        expect(known ? elsewhere : []).toEqual([]);
        expect(known ? 1 : attained(sums, listed)).toBeGreaterThan(0.96);
      }
    }
  });

  it.each([
    { tokens: 1200, steps: 4, anew: false },
    { tokens: 16 * 1040, steps: 8, anew: false },
    { tokens: 16 * 1040, steps: 1, anew: true },
  ])("ranks all of $tokens tokens' pages once in $steps steps", async ({ tokens, steps, anew }) => {
    const few = { ...selection, runs: 16, anew };
    const given = scene({ heads: 2, kvHeads: 1, headSize: 8 }, tokens + 17, { selection: few, selectBy: "ranges", still: true });
    const layer = new Layer(await openKernels("plain"), given);
    const input = createInput(given, tokens + 17);
    runSteps(layer, input, [tokens, 1]);
    const ranked: number[] = [];
    let known = layer.shortlist(0);
    for (let position = tokens + 1; position < tokens + 17; position++) {
      runSteps(layer, input, [1]);
      if (layer.shortlist(0).join() !== known.join()) ranked.push(position);
      known = layer.shortlist(0);
    }
    expect(ranked).toEqual(Array.from({ length: 16 / steps }, (_, index) => tokens + (index + 1) * steps));
  });

  it("counts the runs selected of each page", async () => {
    const layer = new Layer(
      await openKernels("plain"),
      scene({ heads: 9, kvHeads: 3, headSize: 64 }, context, { selection, selectBy: "ranges", still: true }),
    );
    runSteps(layer, createInput(layer.scene, context), [context - 1, 1]);
    const expected = Array.from({ length: pages }, () => 0);
    for (const entries of layer.selected)
      for (const run of runsOf(entries, 1, pages - 3, runTokens)) {
        const page = 1 + Math.floor((run * runTokens) / pageTokens);
        expected[page] = (expected[page] ?? 0) + 1;
      }
    expect(layer.hits).toEqual(expected);
  });

  it("takes the first of equals", async () => {
    const layer = new Layer(
      await openKernels("plain"),
      scene({ heads: 2, kvHeads: 1, headSize: 8 }, context, { selection, selectBy: "ranges", still: true }),
    );
    runSteps(layer, createInput(layer.scene, context).fill(0), [context - 1, 1]);
    expect(runsOf(layer.selected[0] ?? [], 1, pages - 3, runTokens)).toEqual(Array.from({ length: selection.runs }, (_, run) => run));
  });

  it("joins neighbours in a page, and no others", async () => {
    const layer = new Layer(
      await openKernels("plain"),
      scene({ heads: 2, kvHeads: 1, headSize: 8 }, context, { selection, selectBy: "ranges", still: true }),
    );
    runSteps(layer, createInput(layer.scene, context).fill(0), [context - 1, 1]);
    const counts = (layer.selected[0] ?? []).slice(1, -3).map(({ count }) => count);
    expect(counts).toEqual([16, 16, 16, 16, 16, 16, 12]);
  });

  it("reads the list as it is where all candidates are few enough", async () => {
    const many = { ...selection, runs: 4 * (pages - 4) };
    const layer = new Layer(
      await openKernels("plain"),
      scene({ heads: 2, kvHeads: 1, headSize: 8 }, context, { selection: many, selectBy: "ranges", still: true }),
    );
    const input = createInput(layer.scene, context);
    const [, y] = runSteps(layer, input, [context - 1, 1]);
    expect(layer.selected[0]).toEqual(layer.scene.list(context));
    expect(worstError(layer.scene, input, context - 1, y ?? new Float32Array())).toBeLessThan(1e-3);
  });

  it.each(["f16", "kv8"] as const)("takes whole pages by the bounds of their keys, as in the paper, in %s", async (precision) => {
    const whole = { ...selection, runs: 9, runTokens: pageTokens };
    const given = scene({ heads: 9, kvHeads: 3, headSize: 64 }, context, { precision, selection: whole, selectBy: 16, still: true });
    const layer = new Layer(await openKernels("plain"), given);
    const input = createInput(given, context);
    runSteps(layer, input, [context - 1, 1]);
    const row = rowsOf(given, input, context - 1, context);
    const plain = new Layer(await openKernels("plain"), scene(given.heads, context, { still: true }));
    runSteps(plain, input, [context - 1]);
    for (let kvHead = 0; kvHead < 3; kvHead++) {
      const taken = runsOf(layer.selected[kvHead] ?? [], 1, pages - 3, pageTokens);
      expect(taken).toHaveLength(9);
      const shares = sharesByBounds(pagesOf(plain, input, kvHead, 1, pages - 3), queriesOf(given, row, kvHead), 64);
      // Bounds of 4 bits are off by tenths.
      expect(agreement(shares, taken)).toBeGreaterThan(0.5);
    }
  });

  it.each(["f16", "kv8"] as const)("meets far candidates at their distance, in %s", async (precision) => {
    // Keys that the last query would meet best are far; turned to their distance other ones are best.
    const far = { ...selection, farFrom: 600 };
    const distance = 250;
    const shifts = [0, 0, distance - (context - 1)];
    const given = scene({ heads: 9, kvHeads: 3, headSize: 64 }, context, { precision, selection: far, selectBy: "ranges", shifts });
    const layer = new Layer(await openKernels("plain"), given);
    const input = createInput(given, context);
    const [, y] = runSteps(layer, input, [context - 1, 1]);
    const isFar = (position: number): boolean => context - 1 - pageTokens * Math.floor(position / pageTokens) > far.farFrom;
    for (const entries of layer.selected)
      for (const { position, rotation } of entries.slice(1)) expect(rotation).toBe(isFar(position) ? 0xffff_ffff : 0);
    const attended = layer.selected.map(
      (entries) => new Set(entries.flatMap(({ position, count }) => Array.from({ length: count }, (_, i) => position + i))),
    );
    const shiftOf = (token: number, position: number): number =>
      token >= pageTokens && isFar(token) ? distance + pageTokens * Math.floor(token / pageTokens) - position : 0;
    const sees = (token: number, _: number, kvHead: number): boolean => attended[kvHead]?.has(token) ?? false;
    expect(worstError(given, input, context - 1, y ?? new Float32Array(), { sees, shiftOf })).toBeLessThan(
      precision === "f16" ? 1e-3 : 0.03,
    );
    // The same scores without rotation: each key turned to where its query stands.
    const upright = scene(given.heads, context, { precision, selection, selectBy: "ranges", still: true });
    const turned = input.slice();
    for (let token = 0; token < context; token++) {
      const at = token >= pageTokens && isFar(token) ? distance - (token % pageTokens) : context - 1 - token;
      for (let kvHead = 0; kvHead < 3; kvHead++) turnBack(tokenOf(given, turned, kvHead, token).key, at);
    }
    const reference = new Layer(await openKernels("plain"), upright);
    runSteps(reference, turned, [context - 1, 1]);
    const row = rowsOf(given, input, context - 1, context);
    for (const [kvHead, entries] of layer.selected.entries()) {
      const found = pagesOf(reference, turned, kvHead, 1, pages - 3);
      const all = Array.from({ length: 64 }, (_, channel) => channel);
      const scores = queriesOf(given, row, kvHead).map((query) => found.flatMap(({ keys }) => keys.map((key) => dotOf(query, key, all))));
      const shares = sharesOf(scores, runTokens);
      const mass = (list: readonly Run[]): number =>
        runsOf(list, 1, pages - 3, runTokens).reduce((sum, run) => sum + (shares[run] ?? NaN), 0);
      // Ranges of keys that are turned otherwise differ, and with them some of the pages that are looked at.
      expect(mass(entries)).toBeGreaterThan(0.9 * mass(reference.selected[kvHead] ?? []));
    }
  });
});

/** Turns a key back by `distance` positions. */
function turnBack(key: Float32Array, distance: number): void {
  for (let pair = 0; pair < key.length / 2; pair++) {
    const angle = distance * 10_000 ** ((-2 * pair) / key.length);
    const [a, b] = [key[2 * pair] ?? NaN, key[2 * pair + 1] ?? NaN];
    key[2 * pair] = a * Math.cos(angle) + b * Math.sin(angle);
    key[2 * pair + 1] = b * Math.cos(angle) - a * Math.sin(angle);
  }
}
