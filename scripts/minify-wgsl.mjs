// WGSL with short names and without comments and spaces that mean nothing.

/**
 * Words that WGSL itself gives a meaning (https://www.w3.org/TR/WGSL/, sections 3.8, 6, 13 and 17), and which therefore stay.
 */
const PREDECLARED = new Set(
  `alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let loop override
  requires return struct switch true var while main
  bool i32 u32 f32 f16 array atomic ptr sampler sampler_comparison vec2 vec3 vec4 vec2i vec3i vec4i vec2u vec3u vec4u vec2f vec3f vec4f
  vec2h vec3h vec4h mat2x2 mat2x3 mat2x4 mat3x2 mat3x3 mat3x4 mat4x2 mat4x3 mat4x4 mat2x2f mat2x3f mat2x4f mat3x2f mat3x3f mat3x4f mat4x2f
  mat4x3f mat4x4f mat2x2h mat2x3h mat2x4h mat3x2h mat3x3h mat3x4h mat4x2h mat4x3h mat4x4h
  function private workgroup uniform storage read write read_write subgroups off info warning error derivative_uniformity subgroup_uniformity
  local_invocation_id local_invocation_index global_invocation_id workgroup_id num_workgroups subgroup_invocation_id subgroup_size
  bitcast all any select arrayLength abs acos acosh asin asinh atan atanh atan2 ceil clamp cos cosh countLeadingZeros countOneBits
  countTrailingZeros cross degrees determinant distance dot dot4U8Packed dot4I8Packed exp exp2 extractBits faceForward firstLeadingBit
  firstTrailingBit floor fma fract frexp insertBits inverseSqrt ldexp length log log2 max min mix modf normalize pow quantizeToF16 radians
  reflect refract reverseBits round saturate sign sin sinh smoothstep sqrt step tan tanh transpose trunc
  atomicLoad atomicStore atomicAdd atomicSub atomicMax atomicMin atomicAnd atomicOr atomicXor atomicExchange atomicCompareExchangeWeak
  old_value exchanged whole
  pack4x8snorm pack4x8unorm pack4xI8 pack4xU8 pack4xI8Clamp pack4xU8Clamp pack2x16snorm pack2x16unorm pack2x16float
  unpack4x8snorm unpack4x8unorm unpack4xI8 unpack4xU8 unpack2x16snorm unpack2x16unorm unpack2x16float
  storageBarrier textureBarrier workgroupBarrier workgroupUniformLoad
  subgroupAdd subgroupExclusiveAdd subgroupInclusiveAdd subgroupAll subgroupAnd subgroupAny subgroupBallot subgroupBroadcast
  subgroupBroadcastFirst subgroupElect subgroupMax subgroupMin subgroupMul subgroupOr subgroupShuffle subgroupShuffleDown subgroupShuffleUp
  subgroupShuffleXor subgroupXor`.split(/\s+/),
);

/** Components of vectors look like names; so names that look like them stay. */
const SWIZZLE = /^(?:[xyzw]{1,4}|[rgba]{1,4})$/;

const TOKEN =
  /\/\/.*|\s+|@\w+|0[xX][\da-fA-F]*\.?[\da-fA-F]*(?:[pP][+-]?\d+)?[fhiu]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fhiu]?|[A-Za-z_]\w*|->|&&|\|\||\+\+|--|<<=?|>>=?|[<>=!+\-*/%&|^]=|./gy;
const IDENTIFIER = /^[A-Za-z_]/;

/** Two tokens that another token begins with need a space between them. */
const OPERATORS = new Set("-> && || ++ -- << >> <= >= == != += -= *= /= %= &= |= ^= // /*".split(" "));

/** Tokens without spaces and comments. WGSL has no strings, and only line comments are used here. @param {string} source */
function tokens(source) {
  return (source.match(TOKEN) ?? []).filter((token) => !/^(?:\s|\/\/)/.test(token));
}

/**
 * Short names for what the given shaders declare: one for each name, the same everywhere, because sources are joined in many ways.
 * Names of overrides are the pipeline's interface and stay. An injective change of names changes no meaning.
 * @param {readonly string[]} sources all shaders
 * @returns {Map<string, string>}
 */
export function shortNames(sources) {
  /** @type {Map<string, number>} */
  const uses = new Map();
  const kept = new Set(PREDECLARED);
  for (const source of sources) {
    for (const [, name] of source.matchAll(/\boverride\s+(\w+)/g)) kept.add(/** @type {string} */ (name));
    for (const token of tokens(source)) if (IDENTIFIER.test(token)) uses.set(token, (uses.get(token) ?? 0) + 1);
  }
  const renamed = [...uses].filter(([name]) => name.length > 1 && !kept.has(name) && !SWIZZLE.test(name));
  const stays = [...uses.keys()].filter((name) => !renamed.some(([other]) => other === name));
  const free = names(new Set([...kept, ...stays]));
  const byUse = renamed.toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return new Map(byUse.map(([name]) => [name, /** @type {string} */ (free.next().value)]));
}

/** Letters, then a capital with a letter: no word of WGSL looks so. @param {ReadonlySet<string>} taken @returns {Generator<string, void>} */
function* names(taken) {
  const small = "abcdefghijklmnopqrstuvwxyz".split("");
  const large = small.map((letter) => letter.toUpperCase());
  for (const name of [...small, ...large, ...large.flatMap((first) => small.map((second) => first + second))])
    if (!taken.has(name) && !SWIZZLE.test(name)) yield name;
}

/**
 * @param {string} source
 * @param {ReadonlyMap<string, string>} short of `shortNames`
 */
export function minifyWgsl(source, short) {
  let text = "";
  for (const token of tokens(source.replace(/\b(vec[234]|mat[234]x[234])<([fui])32>/g, "$1$2"))) {
    const next = short.get(token) ?? token;
    const last = text.at(-1) ?? "";
    if ((/[\w.]/.test(last) && /^[\w.]/.test(next) && !(last === "." || next[0] === ".")) || OPERATORS.has(last + next[0])) text += " ";
    text += next;
  }
  return text;
}
