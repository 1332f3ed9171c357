// The record of a closed page: what is stored of its 16 tokens beside their f16 keys and values (KEY_BITS 16) or instead of them.
// RECORD words, page after page:
//   scales      4                     f16 base and span of the offsets, f16 widest range, and two words that are 0
//   channels    HEAD_SIZE / 2         for each 8 channels 8 bytes of offsets, then 8 bytes of ranges
//   boxes       see BOXES             for each 8 channels the highs of the BOX_RUNS runs, then their lows: a word of 8 codes each
//   keys        [16, HEAD_SIZE]       codes of KEY_BITS
//   scales      16                    f16 offset and range of each token's value
//   values      [16, HEAD_SIZE]       codes of VALUE_BITS
// with   offset = base + span * byte / 255      range = widest * byte / 255      key = offset + range * code / (2^KEY_BITS - 1)
// A channel's range holds all its keys of the page, and so the boxes (close_page.wgsl), whose codes have 4 bits.
// Of 8 codes of 4 bits the first four are the low halves of a word's bytes, the others the high halves.

override KEY_BITS: u32;
override VALUE_BITS: u32;
// Runs of a page that have a box: 0, 1, 2 or 4.
override BOX_RUNS: u32;

override CHANNELS_AT: u32 = 4u;
override BOXES_AT: u32 = CHANNELS_AT + HEAD_SIZE / 2u;
override BOXES: u32 = (HEAD_SIZE / 4u * BOX_RUNS + 3u) / 4u * 4u;
override KEYS_AT: u32 = BOXES_AT + BOXES;
override QUANTISED: u32 = 1u - KEY_BITS / 16u;
override VALUE_SCALES_AT: u32 = KEYS_AT + QUANTISED * HEAD_SIZE * KEY_BITS / 2u;
override VALUES_AT: u32 = VALUE_SCALES_AT + QUANTISED * 16u;
override RECORD: u32 = VALUES_AT + QUANTISED * HEAD_SIZE * VALUE_BITS / 2u;
