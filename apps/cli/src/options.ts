import { parseArgs } from "node:util";
import { LongtabError } from "@longtab/errors";

type Kind = "string" | "strings" | "number" | "boolean";
type Value<K extends Kind> = K extends "number" ? number : K extends "boolean" ? boolean : K extends "strings" ? string[] : string;

export interface Parsed<Spec extends Record<string, Kind>> {
  options: { [Name in keyof Spec]?: Value<Spec[Name]> };
  positionals: string[];
}

/** Parses `--name value` options. @throws LongtabError `invalid-option` for an unknown name, a missing value or a number that is none. */
export function parseOptions<const Spec extends Record<string, Kind>>(args: string[], spec: Spec): Parsed<Spec> {
  const config = Object.fromEntries(
    Object.entries(spec).map(([name, kind]) => [
      name,
      { type: kind === "boolean" ? "boolean" : "string", multiple: kind === "strings" } as const,
    ]),
  );
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args, options: config, allowPositionals: true });
  } catch (cause) {
    throw new LongtabError({
      code: "invalid-option",
      what: cause instanceof Error ? cause.message.replace(/\.$/, "") : String(cause),
      remedy: "see `npm run longtab -- help`",
      cause,
    });
  }
  const options = Object.fromEntries(
    Object.entries(parsed.values).map(([name, value]) => [name, spec[name] === "number" ? toNumber(name, value) : value]),
  );
  return { options: options as Parsed<Spec>["options"], positionals: parsed.positionals };
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
