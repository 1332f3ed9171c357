// What the three sampling kernels share. A token's *distance* is how far its score lies below the best score: 0 for the best,
// never negative. Its *key* is the distance's bits without the sign, which sort as the distance does: so every truncation is a
// largest key that is kept, and is found by its 8-bit digits. A *total* is a 64-bit integer (low, high): integer sums are the
// same in any order, so results do not depend on how invocations interleave.

// One slot of the uniform ring. The vocabulary's size is here and not an override, because compilers unroll loops of known length:
// lavapipe, whose compile time explodes with code around barriers, then took minutes for one pipeline.
struct Sampling {
  vocabulary: u32,
  // The position that is drawn, and the first one of the repetition penalty's window, which ends before it.
  position: u32,
  window_start: u32,
  penalty: f32,
  inverse_penalty: f32,
  // 0 is greedy.
  inverse_temperature: f32,
  // 0 is off.
  top_k: u32,
  // 1 is off.
  top_p: f32,
  // The largest key that min-p keeps; EXCLUDED_KEY - 1 is off.
  min_p_key: u32,
  seed: u32,
  // Digits to be found of the largest keys that top-k and top-p keep: four for each that is on.
  digits: u32,
}

struct Best {
  score: f32,
  id: u32,
}

// Scores lie within +-LARGEST, so that no difference overflows, even divided by a temperature of 1e-6. NaN and -inf are EXCLUDED.
const LARGEST: f32 = 1e30;
const EXCLUDED: f32 = -3e38;
// Above the key of every finite distance.
const EXCLUDED_KEY: u32 = 0xff000000u;

const INVOCATIONS: u32 = 256u;
const BINS: u32 = 256u;
const FIRST_SHIFT: u32 = 24u;
const DIGITS: u32 = 4u;
// Ids that one workgroup of the chunked kernels reads.
const CHUNK: u32 = 4096u;

fn key_of(score: f32, best: f32) -> u32 {
  return select(bitcast<u32>(best - score) << 1u, EXCLUDED_KEY, score == EXCLUDED);
}

fn distance_of(key: u32) -> f32 {
  return bitcast<f32>(key >> 1u);
}

// exp(-distance / temperature) in units of 2^-40: what it adds to a total. The best token's is 2^40.
fn mass_of(key: u32, inverse_temperature: f32) -> vec2u {
  if (key >= EXCLUDED_KEY) {
    return vec2u(0u);
  }
  let mass = exp(-distance_of(key) * inverse_temperature) * 0x1p8;
  let high = floor(mass);
  return vec2u(u32((mass - high) * 0x1p32), u32(high));
}

// u32s that sort as the floats do; both zeros are equal.
fn ascending(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  if (value == 0.0) {
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}
