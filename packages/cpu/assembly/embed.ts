// Rows of the embedding, from the tiles that the output head multiplies with.

import { EMBED } from "./jobs";
import { TILE4, TILE8 } from "./product";
import { fromF16 } from "./relay";
import { argument, run, setArgument } from "./team";

/** y f32 [rows, 32 blocks] = the embedding's rows `ids` u32 [rows]. */
export function embed(tiles: usize, bits: i32, ids: usize, rows: i32, blocks: i32, y: usize): void {
  setArgument(0, <i32>tiles);
  setArgument(1, bits);
  setArgument(2, <i32>ids);
  setArgument(3, blocks);
  setArgument(4, <i32>y);
  run(EMBED, rows);
}

export function performEmbed(row: i32): void {
  const blocks = argument(3);
  const id = load<u32>(<usize>argument(2) + ((<usize>row) << 2));
  const lane = <usize>(id & 3);
  const tileBytes = argument(1) == 4 ? TILE4 : TILE8;
  let tile = <usize>argument(0) + <usize>(id >> 2) * <usize>blocks * tileBytes;
  let y = <usize>argument(4) + ((<usize>(row * blocks)) << 7);
  for (let block = 0; block < blocks; block++) {
    if (argument(1) == 4) embed4(tile, lane, y);
    else embed8(tile, lane, y);
    tile += tileBytes;
    y += 128;
  }
}

function embed4(tile: usize, lane: usize, y: usize): void {
  const d = fromF16(load<u16>(tile + 2 * lane, 64));
  const m = fromF16(load<u16>(tile + 2 * lane, 72));
  for (let column: usize = 0; column < 16; column++) {
    const q = load<u8>(tile + (column >> 2) * 16 + 4 * lane + (column & 3));
    store<f32>(y + 4 * column, d * <f32>(q & 15) + m);
    store<f32>(y + 4 * column, d * <f32>(q >> 4) + m, 64);
  }
}

function embed8(tile: usize, lane: usize, y: usize): void {
  const d = fromF16(load<u16>(tile + 2 * lane, 128));
  for (let column: usize = 0; column < 32; column++) {
    // Where relay.ts put the column: of each four, 0 and 2 in the first pair, 1 and 3 in the second.
    const four = (column >> 2) & 3;
    const q = load<i8>(tile + 32 * four + 16 * (column >> 4) + 8 * (column & 1) + 2 * lane + ((column >> 1) & 1));
    store<f32>(y + 4 * column, d * <f32>q);
  }
}
