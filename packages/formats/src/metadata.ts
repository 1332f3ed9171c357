import { LongtabError } from "@longtab/errors";
import type { Metadata, MetadataValue } from "./model-file.ts";

/*
 * Typed reading of a file's metadata, for whoever turns it into a model or a tokenizer.
 * Each throws LongtabError `file-malformed` when the key is missing or holds something else.
 */

export type MetadataReader<T> = (metadata: Metadata, key: string) => T;

/** A finite number. */
export function readNumber(metadata: Metadata, key: string): number {
  const value = metadata.get(key);
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw wrong(metadata, key, "a number");
}

/** A whole number from 0 to 2^53 - 1: a size, a count, an id. */
export function readInteger(metadata: Metadata, key: string): number {
  const value = metadata.get(key);
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(metadata, key, "a whole number");
}

export function readString(metadata: Metadata, key: string): string {
  const value = metadata.get(key);
  if (typeof value === "string") return value;
  throw wrong(metadata, key, "a string");
}

export function readBoolean(metadata: Metadata, key: string): boolean {
  const value = metadata.get(key);
  if (typeof value === "boolean") return value;
  throw wrong(metadata, key, "true or false");
}

export function readStrings(metadata: Metadata, key: string): readonly string[] {
  const value = metadata.get(key);
  if (Array.isArray(value) && value.every((element) => typeof element === "string")) return value;
  throw wrong(metadata, key, "an array of strings");
}

/** An array of numbers of any width; 64-bit elements must be exact as numbers. */
export function readNumbers(metadata: Metadata, key: string): readonly number[] {
  const value = metadata.get(key);
  if (value instanceof BigUint64Array || value instanceof BigInt64Array) {
    const numbers = Array.from(value, Number);
    if (numbers.every((number) => Number.isSafeInteger(number))) return numbers;
  } else if (ArrayBuffer.isView(value)) {
    return Array.from(value);
  }
  throw wrong(metadata, key, "an array of numbers");
}

/** What `read` gives, or undefined where the file does not have the key: `readOptional(metadata, "general.name", readString)`. */
export function readOptional<T>(metadata: Metadata, key: string, read: MetadataReader<T>): T | undefined {
  return metadata.has(key) ? read(metadata, key) : undefined;
}

function wrong(metadata: Metadata, key: string, wanted: string): LongtabError {
  const value = metadata.get(key);
  if (value === undefined)
    return new LongtabError({
      code: "file-malformed",
      what: `The file does not have the metadata key ${key}`,
      remedy: "use another file of the model",
    });
  return new LongtabError({
    code: "file-malformed",
    what: `The metadata key ${key} should hold ${wanted}`,
    value: summary(value),
    remedy: "use another file of the model",
  });
}

function summary(value: MetadataValue): string {
  return typeof value === "object" ? `an array of ${value.length}` : JSON.stringify(jsonOf(value, 0)).slice(0, 60);
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * Metadata as plain JSON. An array of more than `maxArray` elements becomes `{ length, first }` with its first elements; whole numbers beyond 2^53,
 * infinities and NaN, which JSON does not have, become strings.
 */
export function metadataToJson(metadata: Metadata, { maxArray = 16 }: { maxArray?: number } = {}): Record<string, Json> {
  return Object.fromEntries(Array.from(metadata, ([key, value]) => [key, jsonOf(value, maxArray)]));
}

function jsonOf(value: MetadataValue, maxArray: number): Json {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value !== "object") return value;
  const first = Array.from<MetadataValue, Json>(value.slice(0, maxArray), (element) => jsonOf(element, maxArray));
  return value.length > maxArray ? { length: value.length, first } : first;
}
