// Closes pages whose 16 tokens are stored: makes their records (lib/closed_page.wgsl).
//   box of a run, by channel: high = SHRINK max + (1 - SHRINK) mean, low = SHRINK min + (1 - SHRINK) mean of its rotated keys
// keys, values: f16, closings: [count, 2] = (their page, page of the record)      closed: [pages, RECORD]
// One workgroup per closing. Channels are taken four at a time, a quad.

override HEAD_SIZE: u32;
// 1 is the box of Quest; half-way to the mean ranks runs better.
override SHRINK: f32 = 0.5;

// For divisions, which compilers refuse by 0 even where they are not done.
override RUNS: u32 = max(BOX_RUNS, 1u);

const LANES: u32 = 64;
const TOKENS: u32 = 16;
const LARGEST_F16: f32 = 65504.0;

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> closings: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> keys: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> values: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> closed: array<u32>;

// Of each quad: least and largest key, then offset and what to multiply a key's distance from it with to have its place in the range.
var<workgroup> lowest: array<vec4<f32>, HEAD_SIZE / 4>;
var<workgroup> highest: array<vec4<f32>, HEAD_SIZE / 4>;
// [BOX_RUNS, quads]
var<workgroup> box_lows: array<vec4<f32>, (BOX_RUNS + 1) * HEAD_SIZE / 4>;
var<workgroup> box_highs: array<vec4<f32>, (BOX_RUNS + 1) * HEAD_SIZE / 4>;
var<workgroup> channel_scales: vec2<u32>;
// Offset and inverse range of each token's value.
var<workgroup> value_scales: array<vec2<f32>, TOKENS>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let page = closings[workgroup.x].x;
  let record = closings[workgroup.x].y * RECORD;
  let quads = step.head_size / 4u;
  let octets = step.head_size / 8u;

  for (var quad = lane; quad < quads; quad += LANES) { find_range(page, quad); }
  for (var i = lane; i < BOX_RUNS * quads; i += LANES) { find_box(page, i / quads, i % quads); }
  workgroupBarrier();
  if (lane == 0u) { channel_scales = scales_of_channels(); }
  let packed = workgroupUniformLoad(&channel_scales);
  if (lane == 0u) {
    closed[record] = packed.x;
    closed[record + 1u] = packed.y;
  }
  for (var quad = lane; quad < quads; quad += LANES) { store_channels(record, quad, packed); }
  workgroupBarrier();

  for (var i = lane; i < BOX_RUNS * octets; i += LANES) { store_box(record, i % RUNS, i / RUNS); }
  if (QUANTISED == 0u) { return; }
  for (var i = lane; i < TOKENS * octets; i += LANES) { store_key(page, record, i / octets, i % octets); }
  if (lane < TOKENS) { store_value_scales(page, record, lane); }
  workgroupBarrier();
  for (var i = lane; i < TOKENS * octets; i += LANES) { store_value(page, record, i / octets, i % octets); }
}

fn unpack_quad(packed: vec2<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y));
}

fn key_quad(page: u32, token: u32, quad: u32) -> vec4<f32> {
  return unpack_quad(keys[(page * TOKENS + token) * (HEAD_SIZE / 4u) + quad]);
}

fn value_quad(page: u32, token: u32, quad: u32) -> vec4<f32> {
  return unpack_quad(values[(page * TOKENS + token) * (HEAD_SIZE / 4u) + quad]);
}

fn find_range(page: u32, quad: u32) {
  var low = key_quad(page, 0u, quad);
  var high = low;
  for (var token = 1u; token < step.page_tokens; token++) {
    let key = key_quad(page, token, quad);
    low = min(low, key);
    high = max(high, key);
  }
  lowest[quad] = low;
  highest[quad] = high;
}

fn find_box(page: u32, run: u32, quad: u32) {
  let tokens = step.page_tokens / RUNS;
  var low = key_quad(page, run * tokens, quad);
  var high = low;
  var sum = low;
  for (var token = 1u; token < tokens; token++) {
    let key = key_quad(page, run * tokens + token, quad);
    low = min(low, key);
    high = max(high, key);
    sum += key;
  }
  let mean = sum / f32(tokens);
  box_lows[run * (HEAD_SIZE / 4u) + quad] = mix(mean, low, SHRINK);
  box_highs[run * (HEAD_SIZE / 4u) + quad] = mix(mean, high, SHRINK);
}

// Base and span of the channels' offsets, and the widest range: as wide as an offset that was rounded down may need it.
fn scales_of_channels() -> vec2<u32> {
  var base = lowest[0];
  var top = lowest[0];
  var width = vec4<f32>(0.0);
  for (var quad = 0u; quad < step.head_size / 4u; quad++) {
    base = min(base, lowest[quad]);
    top = max(top, lowest[quad]);
    width = max(width, highest[quad] - lowest[quad]);
  }
  let least = min(min(base.x, base.y), min(base.z, base.w));
  let span = min(max(max(top.x, top.y), max(top.z, top.w)) - least, LARGEST_F16);
  let widest = max(max(width.x, width.y), max(width.z, width.w)) + span / 255.0;
  return vec2<u32>(pack2x16float(vec2<f32>(least, span)), pack2x16float(vec2<f32>(min(widest, LARGEST_F16), 0.0)));
}

fn store_channels(record: u32, quad: u32, packed: vec2<u32>) {
  let base = unpack2x16float(packed.x).x;
  let span = unpack2x16float(packed.x).y;
  let widest = unpack2x16float(packed.y).x;
  // The offset is rounded down and the range up, so that it holds every key; what is above a byte by rounding alone is not.
  let offset_bytes = clamp(floor((lowest[quad] - base) * inverse(span) * 255.0), vec4<f32>(0.0), vec4<f32>(255.0));
  let offset = base + span * offset_bytes / 255.0;
  let range_bytes = clamp(ceil((highest[quad] - offset) * inverse(widest) * 255.0 - 1e-4), vec4<f32>(0.0), vec4<f32>(255.0));
  let range = widest * range_bytes / 255.0;
  let at = record + CHANNELS_AT + quad / 2u * 4u + quad % 2u;
  closed[at] = pack_bytes(vec4<u32>(offset_bytes));
  closed[at + 2u] = pack_bytes(vec4<u32>(range_bytes));
  lowest[quad] = offset;
  highest[quad] = vec4<f32>(inverse(range.x), inverse(range.y), inverse(range.z), inverse(range.w));
}

fn inverse(x: f32) -> f32 {
  return select(1.0 / x, 0.0, x == 0.0);
}

fn pack_bytes(bytes: vec4<u32>) -> u32 {
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}

// The nearest codes of keys of a quad's channels.
fn key_codes(quad: u32, key: vec4<f32>, largest: f32) -> u32 {
  return nearest_codes((key - lowest[quad]) * highest[quad], largest);
}

// The nearest codes of places between 0 and 1, in a byte each.
fn nearest_codes(place: vec4<f32>, largest: f32) -> u32 {
  return pack_bytes(vec4<u32>(round(clamp(place, vec4<f32>(0.0), vec4<f32>(1.0)) * largest)));
}

fn store_box(record: u32, run: u32, octet: u32) {
  let quad = octet * 2u;
  let i = run * (HEAD_SIZE / 4u) + quad;
  let at = record + BOXES_AT + octet * 2u * BOX_RUNS + run;
  closed[at] = key_codes(quad, box_highs[i], 15.0) | (key_codes(quad + 1u, box_highs[i + 1u], 15.0) << 4u);
  closed[at + BOX_RUNS] = key_codes(quad, box_lows[i], 15.0) | (key_codes(quad + 1u, box_lows[i + 1u], 15.0) << 4u);
}

fn store_key(page: u32, record: u32, token: u32, octet: u32) {
  let quad = octet * 2u;
  let largest = f32((1u << KEY_BITS) - 1u);
  let low = key_codes(quad, key_quad(page, token, quad), largest);
  let high = key_codes(quad + 1u, key_quad(page, token, quad + 1u), largest);
  store_codes(record + KEYS_AT, token * (HEAD_SIZE / 8u) + octet, KEY_BITS, low, high);
}

// Stores codes of 8 channels, the first four in the bytes of `low`.
fn store_codes(at: u32, octet: u32, bits: u32, low: u32, high: u32) {
  if (bits == 4u) {
    closed[at + octet] = low | (high << 4u);
  } else {
    closed[at + octet * 2u] = low;
    closed[at + octet * 2u + 1u] = high;
  }
}

fn store_value_scales(page: u32, record: u32, token: u32) {
  var low = value_quad(page, token, 0u);
  var high = low;
  for (var quad = 1u; quad < step.head_size / 4u; quad++) {
    let value = value_quad(page, token, quad);
    low = min(low, value);
    high = max(high, value);
  }
  let least = min(min(low.x, low.y), min(low.z, low.w));
  let range = max(max(high.x, high.y), max(high.z, high.w)) - least;
  let packed = pack2x16float(vec2<f32>(least, min(range, LARGEST_F16)));
  closed[record + VALUE_SCALES_AT + token] = packed;
  let stored = unpack2x16float(packed);
  value_scales[token] = vec2<f32>(stored.x, inverse(stored.y));
}

fn store_value(page: u32, record: u32, token: u32, octet: u32) {
  let scales = value_scales[token];
  let largest = f32((1u << VALUE_BITS) - 1u);
  let low = nearest_codes((value_quad(page, token, octet * 2u) - scales.x) * scales.y, largest);
  let high = nearest_codes((value_quad(page, token, octet * 2u + 1u) - scales.x) * scales.y, largest);
  store_codes(record + VALUES_AT, token * (HEAD_SIZE / 8u) + octet, VALUE_BITS, low, high);
}
