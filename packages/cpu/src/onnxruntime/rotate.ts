/**
 * Turns a row so that its largest values are spread over all of its columns, in place: 8 bits with one scale a row then keep about twice as
 * much. Turning both factors alike leaves their product as it is, but for `rotationGain`.
 *
 * The turn is a Hadamard matrix over each run of 2^a columns and, over runs, the reflection I - 2/3 J of three for each factor 3; other odd
 * factors stay unmixed. Source of the idea: Ashkboos et al., "QuaRot" (2024).
 *
 * @param x the row is x[at .. at + columns)
 */
export function rotate(x: Float32Array, at: number, columns: number): void {
  const run = powerOfTwo(columns);
  for (let from = at; from < at + columns; from += run) hadamard(x, from, run);
  for (let stride = run; (columns / stride) % 3 === 0; stride *= 3) reflectThrees(x, at, columns, stride);
}

/** What a product of two turned rows must be divided by: the Hadamard matrix is not scaled to be orthonormal. */
export function rotationGain(columns: number): number {
  return powerOfTwo(columns);
}

/** The largest power of two that divides it. */
function powerOfTwo(columns: number): number {
  return columns & -columns;
}

/** Fast Walsh-Hadamard transform of x[at .. at + size), two stages at a time. */
function hadamard(x: Float32Array, at: number, size: number): void {
  let stride = 1;
  for (; stride * 4 <= size; stride *= 4) {
    for (let block = at; block < at + size; block += stride * 4) {
      for (let i = block; i < block + stride; i++) {
        const i1 = i + stride;
        const i2 = i1 + stride;
        const i3 = i2 + stride;
        const a = x[i] as number;
        const b = x[i1] as number;
        const c = x[i2] as number;
        const d = x[i3] as number;
        x[i] = a + b + (c + d);
        x[i1] = a - b + (c - d);
        x[i2] = a + b - (c + d);
        x[i3] = a - b - (c - d);
      }
    }
  }
  if (stride === size) return;
  for (let i = at; i < at + stride; i++) {
    const a = x[i] as number;
    const b = x[i + stride] as number;
    x[i] = a + b;
    x[i + stride] = a - b;
  }
}

function reflectThrees(x: Float32Array, at: number, columns: number, stride: number): void {
  for (let block = at; block < at + columns; block += stride * 3) {
    for (let i = block; i < block + stride; i++) {
      const a = x[i] as number;
      const b = x[i + stride] as number;
      const c = x[i + stride * 2] as number;
      const most = ((a + b + c) * 2) / 3;
      x[i] = a - most;
      x[i + stride] = b - most;
      x[i + stride * 2] = c - most;
    }
  }
}
