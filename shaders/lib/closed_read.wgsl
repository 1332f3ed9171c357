// Reads the records of closed pages (lib/closed_page.wgsl). A kernel declares `closed` as array<vec2<u32>>, and is put after this file.

// Numbers of 8 channels.
struct Octet {
  low: vec4<f32>,
  high: vec4<f32>,
}

// What the bytes of a record's channels stand for.
struct ChannelScales {
  base: f32,
  span: f32,
  widest: f32,
}

// `record`: its first word.
fn channel_scales(record: u32) -> ChannelScales {
  let scales = closed[record / 2u];
  let offsets = unpack2x16float(scales.x);
  return ChannelScales(offsets.x, offsets.y, unpack2x16float(scales.y).x);
}

fn channel_offsets(record: u32, scales: ChannelScales, octet: u32) -> Octet {
  let bytes = closed[(record + CHANNELS_AT) / 2u + octet * 2u];
  return Octet(scales.base + scales.span * unpack4x8unorm(bytes.x), scales.base + scales.span * unpack4x8unorm(bytes.y));
}

fn channel_ranges(record: u32, scales: ChannelScales, octet: u32) -> Octet {
  let bytes = closed[(record + CHANNELS_AT) / 2u + octet * 2u + 1u];
  return Octet(scales.widest * unpack4x8unorm(bytes.x), scales.widest * unpack4x8unorm(bytes.y));
}
