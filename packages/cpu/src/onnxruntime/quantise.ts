import { inputZeroPoint } from "./graph.ts";
import type { WeightCodes } from "./graph.ts";
import { rotate, rotationGain } from "./rotate.ts";

/** Codes are whole numbers of -127 .. 127, with one scale a row. */
const largestCode = 127;

/** Inputs of a product in 8 bits: x[t, k] = scales[t] * (codes[t, k] - inputZeroPoint), turned. */
export interface InputCodes {
  /** [T, columns] */
  codes: Uint8Array;
  /** [T] */
  scales: Float32Array;
}

/** Turns and rounds the rows of x [T, columns], each by itself: a row's codes do not depend on the others. */
export function quantiseInputs(x: Float32Array, rows: number, columns: number): InputCodes {
  const codes = new Uint8Array(rows * columns);
  const scales = new Float32Array(rows);
  const turned = new Float32Array(columns);
  for (let row = 0; row < rows; row++) {
    turned.set(x.subarray(row * columns, (row + 1) * columns));
    scales[row] = turnRow(turned, 0, columns);
    const factor = scales[row] === 0 ? 0 : 1 / (scales[row] as number);
    // Raised by half a code before it is cut off: rounded to the nearest.
    for (let k = 0, at = row * columns; k < columns; k++) codes[at + k] = (turned[k] as number) * factor + (inputZeroPoint + 0.5);
  }
  return { codes, scales };
}

/** Takes a matrix in pieces of whole rows, and holds it in 8 bits only. */
export class WeightQuantiser {
  readonly #weight: WeightCodes;
  #row = 0;

  constructor(rows: number, columns: number) {
    this.#weight = { rows, columns, codes: new Int8Array(rows * columns), scales: new Float32Array(rows) };
  }

  /** The next rows, f32 [n, columns]; they are changed. */
  add(piece: Float32Array): void {
    const { rows, columns, codes, scales } = this.#weight;
    const count = piece.length / columns;
    const factors = new Float32Array(count);
    for (let row = 0; row < count; row++) {
      const scale = turnRow(piece, row * columns, columns);
      factors[row] = scale === 0 ? 0 : 1 / scale;
      scales[this.#row + row] = scale / rotationGain(columns);
    }
    for (let k = 0; k < columns; k++) {
      const to = k * rows + this.#row;
      for (let row = 0; row < count; row++) {
        const code = (piece[row * columns + k] as number) * (factors[row] as number);
        codes[to + row] = code < 0 ? code - 0.5 : code + 0.5;
      }
    }
    this.#row += count;
  }

  /** @throws RangeError when rows are missing. */
  finish(): WeightCodes {
    if (this.#row !== this.#weight.rows) throw new RangeError(`${this.#row} of ${this.#weight.rows} rows were added`);
    return this.#weight;
  }
}

/** Turns a row in place. Returns what a code of 1 stands for. */
function turnRow(x: Float32Array, at: number, columns: number): number {
  rotate(x, at, columns);
  let most = 0;
  // Math.max keeps a NaN, so that it reaches the product.
  for (let k = at; k < at + columns; k++) most = Math.max(most, Math.abs(x[k] as number));
  return most / largestCode;
}
