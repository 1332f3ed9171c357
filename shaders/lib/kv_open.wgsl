// Keys and values of pages that are all open: f16 at the slots of a pool (lib/pages.wgsl). A kernel declares `keys` and `values`, both
// array<vec4<u32>>; lib/kv_closed.wgsl has the same functions for pools of both forms.

// Numbers of 8 channels.
struct Octet {
  low: vec4<f32>,
  high: vec4<f32>,
}

fn unpack_octet(packed: vec4<u32>) -> Octet {
  return Octet(
    vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y)),
    vec4<f32>(unpack2x16float(packed.z), unpack2x16float(packed.w)),
  );
}

// What of a token's key is the same for all channels.
struct Key {
  first: u32,
}

fn find_key(slot: u32) -> Key {
  return Key(slot * (HEAD_SIZE / 8u));
}

// What 8 channels of a page's keys have in common: nothing here.
struct Channels {
  unused: u32,
}

fn find_channels(key: Key, octet: u32) -> Channels {
  return Channels(0u);
}

fn key_octet(key: Key, octet: u32, channels: Channels) -> Octet {
  return unpack_octet(keys[key.first + octet]);
}

fn value_octet(slot: u32, octet: u32) -> Octet {
  return unpack_octet(values[slot * (HEAD_SIZE / 8u) + octet]);
}
