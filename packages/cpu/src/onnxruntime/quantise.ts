import { inputZeroPoint } from "./graph.ts";
import type { WeightCodes } from "./graph.ts";
import { rotate, rotationGain } from "./rotate.ts";

/** Codes are whole numbers of -127 .. 127, with one scale a row. */
const largestCode = 127;
/** Makes a code positive and adds a half, so that cutting it off rounds it to the nearest. */
const raised = inputZeroPoint + 0.5;

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
    const factor = inverse(scales[row] as number);
    for (let k = 0, at = row * columns; k < columns; k++) codes[at + k] = ((turned[k] as number) * factor + raised) | 0;
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
    const { columns, codes, scales } = this.#weight;
    for (let from = 0; from < piece.length; from += columns, this.#row++) {
      const scale = turnRow(piece, from, columns);
      scales[this.#row] = scale / rotationGain(columns);
      const factor = inverse(scale);
      const to = this.#row * columns;
      for (let k = 0; k < columns; k++) codes[to + k] = (((piece[from + k] as number) * factor + raised) | 0) - inputZeroPoint;
    }
  }

  /** @throws RangeError when rows are missing. */
  finish(): WeightCodes {
    if (this.#row !== this.#weight.rows) throw new RangeError(`${this.#row} of ${this.#weight.rows} rows were added`);
    return this.#weight;
  }
}

function inverse(scale: number): number {
  return scale === 0 ? 0 : 1 / scale;
}

/** Turns a row in place. Returns what a code of 1 stands for. */
function turnRow(x: Float32Array, at: number, columns: number): number {
  rotate(x, at, columns);
  let most = 0;
  // Math.max keeps a NaN, so that it reaches the product.
  for (let k = at; k < at + columns; k++) most = Math.max(most, Math.abs(x[k] as number));
  return most / largestCode;
}
