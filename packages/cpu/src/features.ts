/** The smallest module with a relaxed SIMD instruction: a function that multiplies two i8x16.splat(0) with i16x8.relaxed_dot_i8x16_i7x16_s. */
const relaxedModule = Uint8Array.from([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 146, 2, 11,
]);

/** Which of the kernels' instruction sets this engine has. */
export function detectSimd(): "relaxed" | "plain" {
  return WebAssembly.validate(relaxedModule) ? "relaxed" : "plain";
}
