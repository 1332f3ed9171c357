/**
 * Half floats as GGUF stores them: IEEE 754 binary16 (F16, and every block's scale) and bfloat16 (BF16).
 * Float16Array is not in every browser, so both ways are done on the bits of an f32.
 */

const scratch = new DataView(new ArrayBuffer(4));

/** The f32 with these 32 bits. */
function floatOf(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** The 32 bits of a number rounded to f32. */
function bitsOf(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

/** The value of 16 bits of IEEE binary16; exact for every input, subnormals, infinities and NaN included. */
export function f16ToF32(bits: number): number {
  const magnitude = bits & 0x7fff;
  // The exponent (bias 15) lands where f32 keeps its own (bias 127); one multiplication by a power of two, exact for subnormals too, moves it.
  const value = magnitude < 0x7c00 ? floatOf(magnitude << 13) * 2 ** 112 : floatOf(0x7f800000 | (magnitude << 13));
  return bits & 0x8000 ? -value : value;
}

/** The 16 bits of the nearest binary16 (ties to even) of a number taken as f32; from 65,520 on it is infinity, NaN stays NaN. */
export function f32ToF16(value: number): number {
  const bits = bitsOf(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Subnormal: next to 0.5 an f32 counts in steps of 2^-24, the subnormal's own, so the addition does the rounding.
  if (magnitude < 0x38800000) return sign | (bitsOf(floatOf(magnitude) + 0.5) - 0x3f000000);
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** The value of 16 bits of bfloat16: the upper half of an f32. */
export function bf16ToF32(bits: number): number {
  return floatOf(bits << 16);
}

/** The 16 bits of the nearest bfloat16 (ties to even) of a number taken as f32; NaN stays NaN. */
export function f32ToBf16(value: number): number {
  const bits = bitsOf(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
