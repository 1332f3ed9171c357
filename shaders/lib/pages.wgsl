// The paged KV cache. A page holds 16 tokens of one KV head of one layer, a slot is one token's place in the pool:
//   slot = page * 16 + token        keys, values: [slots, HEAD_SIZE] as pairs of f16 in u32 words
// Where the cache's precision is less, complete pages are closed pages (lib/closed_page.wgsl), which have page numbers of their own.

// One run of tokens on a head's page list: a whole page or part of one.
struct Entry {
  // Slot of the run's first token; of a closed page with the bit CLOSED, of one that is away with AWAY.
  slot: u32,
  // Absolute position of that token.
  position: u32,
  // Tokens in the run. Those beyond the query's own position are not there yet and are masked.
  count: u32,
  // Which of the step's query rotations meets these keys, or FAR.
  rotation: u32,
}

// What a KV head's list is, and what of it each row of a step of several rows sees.
struct Head {
  // Entries, in order of position. [first, end) are candidates of selection, the rest is always read.
  length: u32,
  first: u32,
  end: u32,
  // A row at `window_from` or later sees the first `sinks` tokens, its own page and the `recent` / 16 pages before that.
  sinks: u32,
  recent: u32,
  window_from: u32,
  unused: u32,
  // The first entries of the list, whose pages may be away.
  moved: u32,
}

const NO_SLOT: u32 = 0xffffffffu;
const CLOSED: u32 = 0x80000000u;
// There is only what selection looks at.
const AWAY: u32 = 0x40000000u;
// Keys that are met at the fixed distance of rotation FAR_ROTATION, wherever they are.
const FAR: u32 = 0xffffffffu;
const FAR_ROTATION: u32 = 2u;
// Stands for the score of a masked token: finite, so that differences of scores are never NaN.
const MASKED: f32 = -3.0e38;
const PAGE_SHIFT: u32 = 4u;
const PAGE_MASK: u32 = 15u;

// Whether the row at position `query` sees the token at position `key`.
fn sees(head: Head, query: u32, key: u32) -> bool {
  let near = (key >> PAGE_SHIFT) + (head.recent >> PAGE_SHIFT) >= query >> PAGE_SHIFT;
  return key <= query && (query < head.window_from || key < head.sinks || near);
}
