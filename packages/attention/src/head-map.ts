import { LongtabError } from "@longtab/errors";
import type { CacheShape } from "./page.ts";
import { mappedPrecisions } from "./precision.ts";
import type { MappedPrecision } from "./precision.ts";

/** Which KV heads of a model stream (sinks and recents suffice) and which retrieve, and what precision its layers need; data made by calibration. */
export interface HeadMap {
  version: 1;
  /** The model's name, for people. */
  model: string;
  /** [layers][kvHeads]: true where the head streams. */
  streaming: readonly (readonly boolean[])[];
  /** [layers][kvHeads]: how much is lost when the head streams, as `method` measured it; higher is worse. */
  scores?: readonly (readonly number[])[];
  /** [layers]: how keys and values are stored where precision is "mixed". */
  precision?: readonly MappedPrecision[];
  /** How the map was made, on which text, and how good it is; for people. */
  method?: string;
  text?: string;
  quality?: readonly Record<string, string | number>[];
}

/** A head map is read from files that anybody may have written; larger ones are none. */
const mostHeads = 65_536;

/** @throws LongtabError `invalid-option` for what is not a head map, or is one of a model of another shape. */
export function parseHeadMap(value: unknown, { layers, kvHeads }: Pick<CacheShape, "layers" | "kvHeads">): HeadMap {
  const { version, model, streaming, scores, precision } = (value ?? {}) as Partial<Record<keyof HeadMap, unknown>>;
  if (version !== 1) throw invalid("The head map is of a version that is not known", String(version), 1);
  if (typeof model !== "string") throw invalid("The head map does not name its model", typeof model);
  if (layers * kvHeads > mostHeads) throw invalid("The model has more heads than a head map may have", layers * kvHeads, mostHeads);
  checkTable(streaming, "streaming", "boolean", layers, kvHeads);
  if (scores !== undefined) checkTable(scores, "scores", "number", layers, kvHeads);
  if (precision !== undefined)
    checkCells(rowsOf(precision, "precision", "layers", layers), "precision", mappedPrecisions.join(" or "), (cell) =>
      mappedPrecisions.some((name) => name === cell),
    );
  return value as HeadMap;
}

/** Share of the heads that stream. */
export function streamingShare({ streaming }: HeadMap): number {
  const heads = streaming.flat();
  return heads.filter(Boolean).length / heads.length;
}

function checkTable(value: unknown, name: string, type: "boolean" | "number", layers: number, kvHeads: number): void {
  for (const row of rowsOf(value, name, "layers", layers)) {
    const cells = rowsOf(row, name, "KV heads", kvHeads);
    checkCells(cells, name, type, (cell) => typeof cell === type && (type !== "number" || Number.isFinite(cell)));
  }
}

function checkCells(cells: readonly unknown[], name: string, wanted: string, fits: (cell: unknown) => boolean): void {
  const wrong = cells.findIndex((cell) => !fits(cell));
  if (wrong >= 0) throw invalid(`The head map's ${name} has a cell that is not a ${wanted}`, JSON.stringify(cells[wrong]));
}

function rowsOf(value: unknown, name: string, unit: string, count: number): unknown[] {
  if (Array.isArray(value) && value.length === count) return value;
  throw invalid(
    `The head map's ${name} has another number of ${unit} than the model`,
    Array.isArray(value) ? value.length : typeof value,
    count,
  );
}

function invalid(what: string, value: string | number, limit?: number): LongtabError {
  return new LongtabError({
    code: "invalid-option",
    what,
    value,
    ...(limit !== undefined && { limit }),
    remedy: "make one with `npm run longtab -- calibrate`, or leave it out",
  });
}
