import { gapFits } from "@longtab/attention";
import type { Gap, Policy } from "@longtab/attention";
import type { CacheForm } from "../backend.ts";
import { damaged } from "./format.ts";

/** Bytes that are in memory at once, where a block is not larger. */
const pieceBytes = 2 ** 20;
/** Blocks of a piece at most: those that every head gave back have no bytes. */
const pieceBlocks = 4096;

/** Blocks that are read and written at once. */
export interface BlockPiece {
  first: number;
  count: number;
  bytes: number;
}

/** Ranges of the ids that are read and written at once. */
export function* idPieces(tokens: number): Generator<{ from: number; to: number }> {
  const stride = pieceBytes / 4;
  for (let from = 0; from < tokens; from += stride) yield { from, to: Math.min(tokens, from + stride) };
}

/** How the blocks of so many tokens are cut into pieces. */
export function* blockPieces(tokens: number, form: CacheForm, gaps: readonly (Gap | undefined)[]): Generator<BlockPiece> {
  const blocks = Math.ceil(tokens / form.blockTokens);
  let piece = { first: 0, count: 0, bytes: 0 };
  for (let block = 0; block < blocks; block++) {
    const bytes = blockBytes(block, tokens, form, gaps);
    if (piece.count > 0 && (piece.bytes + bytes > pieceBytes || piece.count === pieceBlocks)) {
      yield piece;
      piece = { first: block, count: 0, bytes: 0 };
    }
    piece.count++;
    piece.bytes += bytes;
  }
  yield piece;
}

/** Gaps as a snapshot has them: [layers, kvHeads, 2]. */
export function encodeGaps(gaps: readonly (Gap | undefined)[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint32Array.from(gaps.flatMap((gap) => [gap?.from ?? 0, gap?.to ?? 0])).buffer);
}

/** @throws LongtabError `snapshot-damaged` where a head that follows `policy` cannot have such a gap. */
export function decodeGaps(bytes: Uint8Array, { kvHeads }: CacheForm, policy: Policy, tokens: number): (Gap | undefined)[] {
  const words = new Uint32Array(bytes.slice().buffer);
  return Array.from({ length: words.length / 2 }, (_, head) => {
    const [from = 0, to = 0] = words.subarray(head * 2, head * 2 + 2);
    const gap = from === 0 && to === 0 ? undefined : { from, to };
    if (!gapFits(gap, policy.rule(Math.floor(head / kvHeads), head % kvHeads), tokens))
      throw damaged("The snapshot has a head that kept what it should not, or misses what it should have");
    return gap;
  });
}

function blockBytes(
  block: number,
  tokens: number,
  { blockTokens, pageBytes, kvHeads }: CacheForm,
  gaps: readonly (Gap | undefined)[],
): number {
  const position = block * blockTokens;
  const complete = position + blockTokens <= tokens;
  return gaps.reduce((sum, gap, head) => {
    const kept = !gap || position < gap.from || position >= gap.to;
    // Complete pages stay open where there is no closed form.
    const closed = complete ? pageBytes.closed[Math.floor(head / kvHeads)] : 0;
    return sum + (kept ? closed || pageBytes.open : 0);
  }, 0);
}
