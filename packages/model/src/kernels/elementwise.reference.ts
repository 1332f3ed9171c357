/** y[row] = x[row] / sqrt(mean(x[row]^2) + eps) * weight, in f64. x: [rows, weight.length]. */
export function rmsNormReference(x: ArrayLike<number>, weight: ArrayLike<number>, epsilon: number): Float64Array {
  const dim = weight.length;
  const y = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += dim) {
    let squares = 0;
    for (let i = 0; i < dim; i++) squares += (x[row + i] ?? 0) ** 2;
    const scale = 1 / Math.sqrt(squares / dim + epsilon);
    for (let i = 0; i < dim; i++) y[row + i] = (x[row + i] ?? 0) * scale * (weight[i] ?? 0);
  }
  return y;
}

/** y[row, i] = silu(gate) * up, in f64. gateUp: [rows, 2 dim]. */
export function siluMulReference(gateUp: ArrayLike<number>, dim: number): Float64Array {
  return Float64Array.from({ length: gateUp.length / 2 }, (_, index) => {
    const row = Math.floor(index / dim) * 2 * dim + (index % dim);
    const gate = gateUp[row] ?? 0;
    return (gate / (1 + Math.exp(-gate))) * (gateUp[row + dim] ?? 0);
  });
}
