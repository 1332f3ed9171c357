// Keys and values of pages of both forms: f16 at the slots of open pages, codes in the records of closed ones (lib/closed_page.wgsl). A kernel
// declares `keys` and `values`, both array<vec4<u32>>, and `closed`, array<vec2<u32>>, and is put after lib/closed_read.wgsl and this file.

fn unpack_octet(packed: vec4<u32>) -> Octet {
  return Octet(
    vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y)),
    vec4<f32>(unpack2x16float(packed.z), unpack2x16float(packed.w)),
  );
}

// Places between 0 and 1 of 8 codes of `bits`; `at` is the first of all such codes of a record, in words.
fn places(at: u32, octet: u32, bits: u32) -> Octet {
  if (bits == 8u) {
    let codes = closed[at / 2u + octet];
    return Octet(unpack4x8unorm(codes.x), unpack4x8unorm(codes.y));
  }
  let pair = closed[(at + octet) / 2u];
  let codes = select(pair.x, pair.y, (at + octet) % 2u == 1u);
  // A code of 4 bits, 17 times: 15 becomes 255.
  return Octet(unpack4x8unorm((codes & 0x0f0f0f0fu) * 17u), unpack4x8unorm(((codes >> 4u) & 0x0f0f0f0fu) * 17u));
}

// What of a token's key is the same for all channels. `first`: its first 8 channels, in the unit of its form.
struct Key {
  first: u32,
  is_closed: bool,
  record: u32,
  scales: ChannelScales,
}

fn find_key(slot: u32) -> Key {
  if ((slot & CLOSED) == 0u) { return Key(slot * (HEAD_SIZE / 8u), false, 0u, ChannelScales(0.0, 0.0, 0.0)); }
  let record = ((slot & ~CLOSED) >> PAGE_SHIFT) * RECORD;
  return Key((slot & PAGE_MASK) * (HEAD_SIZE / 8u), true, record, channel_scales(record));
}

// What 8 channels of a page's keys have in common.
struct Channels {
  offsets: Octet,
  ranges: Octet,
}

fn find_channels(key: Key, octet: u32) -> Channels {
  if (!key.is_closed) { return Channels(); }
  return Channels(channel_offsets(key.record, key.scales, octet), channel_ranges(key.record, key.scales, octet));
}

fn key_octet(key: Key, octet: u32, channels: Channels) -> Octet {
  if (!key.is_closed) { return unpack_octet(keys[key.first + octet]); }
  let place = places(key.record + KEYS_AT, key.first + octet, KEY_BITS);
  return Octet(channels.offsets.low + channels.ranges.low * place.low, channels.offsets.high + channels.ranges.high * place.high);
}

fn value_octet(slot: u32, octet: u32) -> Octet {
  if ((slot & CLOSED) == 0u) { return unpack_octet(values[slot * (HEAD_SIZE / 8u) + octet]); }
  let record = ((slot & ~CLOSED) >> PAGE_SHIFT) * RECORD;
  let token = slot & PAGE_MASK;
  let pair = closed[(record + VALUE_SCALES_AT + token) / 2u];
  let scale = unpack2x16float(select(pair.x, pair.y, token % 2u == 1u));
  let place = places(record + VALUES_AT, token * (HEAD_SIZE / 8u) + octet, VALUE_BITS);
  return Octet(scale.x + scale.y * place.low, scale.x + scale.y * place.high);
}
