import { LongtabError } from "@longtab/errors";
import type { TensorInfo, TensorType } from "@longtab/formats";

/** How the kernels hold the weights of a file's type: assembly/relay.ts. */
export interface StoredForm {
  /** Bits of a stored weight: tiles of 4-bit weights with scale and minimum, or of 8-bit weights with a scale, for 32 columns. */
  readonly bits: 4 | 8;
  /** What `relay` calls the source. */
  readonly relay: number;
  /** True where the file's blocks go to the kernels as they are; else JavaScript makes them f32 first. */
  readonly direct: boolean;
  /** How far a stored weight may be from the file's, where it is not the same. */
  readonly error?: string;
}

const rounded: StoredForm = { bits: 8, relay: 4, direct: false, error: "kept in 8 bits, within 0.4% of the largest of 32 neighbours" };

const forms: Readonly<Record<TensorType, StoredForm>> = {
  Q4_0: { bits: 4, relay: 0, direct: true },
  Q4_1: { bits: 4, relay: 1, direct: true },
  Q4_K: { bits: 4, relay: 2, direct: true, error: "scales rounded to 11 bits" },
  Q8_0: { bits: 8, relay: 3, direct: true },
  F32: { ...rounded, direct: true },
  F16: rounded,
  BF16: rounded,
  Q5_0: rounded,
  Q5_1: rounded,
  Q2_K: rounded,
  Q3_K: rounded,
  Q5_K: rounded,
  Q6_K: rounded,
};

export function storedForm(type: TensorType): StoredForm {
  return forms[type];
}

/** Columns of a tile and of a block of inputs. */
export const blockColumns = 32;
/** Output rows of a tile. */
export const rowsPerTile = 4;
/** assembly/product.ts */
const tileBytes = { 4: 80, 8: 136 } as const;

/** Bytes that a matrix takes as tiles. @throws LongtabError `unsupported-type` where its columns are not whole blocks. */
export function tilesBytes({ name, type, shape }: TensorInfo): number {
  const [rows = 0, columns = 0] = shape;
  if (columns % blockColumns !== 0) {
    throw new LongtabError({
      code: "unsupported-type",
      what: `The processor multiplies matrices of whole blocks of ${blockColumns} columns; ${name} has another width`,
      value: columns,
      remedy: "choose another model, or run it on a graphics card",
    });
  }
  return Math.ceil(rows / rowsPerTile) * (columns / blockColumns) * tileBytes[storedForm(type).bits];
}

/** Rows of a matrix with those that pad it to whole tiles. */
export function paddedRows(rows: number): number {
  return Math.ceil(rows / rowsPerTile) * rowsPerTile;
}
