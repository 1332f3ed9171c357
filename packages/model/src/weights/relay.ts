import type { TensorType } from "@longtab/formats";
import { relayBlocks } from "./relay-blocks.ts";
import { relaySuperBlocks } from "./relay-k.ts";

/** Rows as the file holds them, and where they go. */
export interface RowsToRelay {
  readonly type: TensorType;
  readonly columns: number;
  readonly rows: number;
  /** The rows' blocks, as in the file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** One piece of a shard in the GPU's layout; row 0 is a multiple of four in the shard. */
export interface Piece {
  readonly quants: Uint32Array<ArrayBuffer>;
  readonly scales: Uint32Array<ArrayBuffer>;
}

/** Writes the rows into the piece from its row `firstRow`. Every word that a row owns is written, nothing else is touched. */
export function relayRows(source: RowsToRelay, piece: Piece, firstRow: number): void {
  switch (source.type) {
    case "F32":
    case "F16":
    case "BF16": {
      const quants = new Uint8Array(piece.quants.buffer, piece.quants.byteOffset, piece.quants.byteLength);
      quants.set(source.bytes, firstRow * (source.bytes.length / source.rows));
      return;
    }
    case "Q4_0":
    case "Q4_1":
    case "Q5_0":
    case "Q5_1":
    case "Q8_0":
      relayBlocks(source, source.type, piece, firstRow);
      return;
    case "Q2_K":
    case "Q3_K":
    case "Q4_K":
    case "Q5_K":
    case "Q6_K":
      relaySuperBlocks(source, source.type, piece, firstRow);
  }
}
