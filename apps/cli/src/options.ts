import { parseArgs } from "node:util";
import { LongtabError } from "@longtab/errors";

/** "count": a whole number, 1 or more. */
type Kind = "string" | "strings" | "number" | "count" | "boolean";
type Value<K extends Kind> = K extends "number" | "count"
  ? number
  : K extends "boolean"
    ? boolean
    : K extends "strings"
      ? string[]
      : string;

export interface Parsed<Spec extends Record<string, Kind>> {
  options: { [Name in keyof Spec]?: Value<Spec[Name]> };
  positionals: string[];
}

/**
 * Parses `--name value` options.
 * @param allowPositionals whether the verb takes anything beside options.
 * @throws LongtabError `invalid-option` for an unknown name, a missing value, a number that is none, or what belongs to no option.
 */
export function parseOptions<const Spec extends Record<string, Kind>>(args: string[], spec: Spec, allowPositionals = false): Parsed<Spec> {
  const config = Object.fromEntries(
    Object.entries(spec).map(([name, kind]) => [
      name,
      { type: kind === "boolean" ? "boolean" : "string", multiple: kind === "strings" } as const,
    ]),
  );
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args, options: config, allowPositionals });
  } catch (cause) {
    throw new LongtabError({
      code: "invalid-option",
      what: cause instanceof Error ? cause.message.replace(/\.$/, "") : String(cause),
      remedy: "see `npm run longtab -- help`",
      cause,
    });
  }
  const options = Object.fromEntries(Object.entries(parsed.values).map(([name, value]) => [name, read(name, spec[name], value)]));
  return { options: options as Parsed<Spec>["options"], positionals: parsed.positionals };
}

function read(name: string, kind: Kind | undefined, value: unknown): unknown {
  return kind === "number" ? toNumber(name, value) : kind === "count" ? toCount(name, value) : value;
}

function toCount(name: string, text: unknown): number {
  const value = toNumber(name, text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new LongtabError({
    code: "invalid-option",
    what: `--${name} takes a whole number`,
    value,
    limit: "1 or more",
    remedy: "see `npm run longtab -- help`",
  });
}

function toNumber(name: string, text: unknown): number {
  const value = Number(text);
  if (typeof text === "string" && text.trim() !== "" && Number.isFinite(value)) return value;
  throw new LongtabError({
    code: "invalid-option",
    what: `--${name} takes a number`,
    value: String(text),
    remedy: "see `npm run longtab -- help`",
  });
}

export function required<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value;
  throw new LongtabError({ code: "invalid-option", what: `--${name} is missing`, remedy: "see `npm run longtab -- help`" });
}
