/**
 * y = x weight^T in plain TypeScript, summed in f64: what every mapping and format must agree with.
 *
 * @param weight f32 [rows, columns].
 * @param x f32 [T, columns].
 * @returns y [T, rows], and for each element the sum of the products' magnitudes, which bounds what rounding may do.
 */
export function matmulReference(weight: Float32Array, x: Float32Array, columns: number): { y: Float64Array; magnitude: Float64Array } {
  const rows = weight.length / columns;
  const tokens = x.length / columns;
  const y = new Float64Array(tokens * rows);
  const magnitude = new Float64Array(tokens * rows);
  for (let t = 0; t < tokens; t += 1) {
    for (let row = 0; row < rows; row += 1) {
      let sum = 0;
      let size = 0;
      for (let c = 0; c < columns; c += 1) {
        const product = weight[row * columns + c]! * x[t * columns + c]!;
        sum += product;
        size += Math.abs(product);
      }
      y[t * rows + row] = sum;
      magnitude[t * rows + row] = size;
    }
  }
  return { y, magnitude };
}

/** Rows of `table` [V, columns] by id; ids beyond the table take its last row. */
export function embedReference(table: Float32Array, ids: readonly number[], columns: number): Float32Array {
  const last = table.length / columns - 1;
  const y = new Float32Array(ids.length * columns);
  for (const [t, id] of ids.entries()) {
    const row = Math.min(id, last);
    y.set(table.subarray(row * columns, (row + 1) * columns), t * columns);
  }
  return y;
}
