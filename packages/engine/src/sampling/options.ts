import { LongtabError } from "@longtab/errors";
import type { Sampling } from "../backend.ts";

/** Sampling as a user gives it: what is left out, undefined or (as in OpenAI's API) null has its default. */
export type SamplingOptions = { [Name in keyof Sampling]?: Sampling[Name] | null | undefined };

/** The defaults of every field but the seed, which is random unless it is given. */
export const defaultSampling: Readonly<Omit<Sampling, "seed">> = {
  temperature: 0.7,
  topK: 40,
  topP: 0.95,
  minP: 0,
  repetitionPenalty: 1,
  penaltyWindow: 64,
};

interface Range {
  least: number;
  most: number;
  integer?: boolean;
  /** A value outside the range that has a meaning of its own. */
  off?: number;
}

/** Parameters travel to the GPU in 32 bits. */
const largestInteger = 2 ** 32 - 1;

const ranges: Readonly<Record<keyof Sampling, Range>> = {
  // Below, a difference of logits divided by it can exceed f32; above, all tokens are equally likely.
  temperature: { least: 1e-6, most: 100, off: 0 },
  topK: { least: 0, most: largestInteger, integer: true },
  topP: { least: 0, most: 1 },
  minP: { least: 0, most: 1 },
  // Factors of a hundred push any logit past all others.
  repetitionPenalty: { least: 0.01, most: 100 },
  penaltyWindow: { least: 0, most: largestInteger, integer: true },
  seed: { least: 0, most: largestInteger, integer: true },
};

/**
 * Fills in defaults and checks every field. Fields of other names are none of its business.
 * Throws `invalid-option`, which names the field, the value and what it may be.
 * @param written how the person who gave the options writes a field: "top_p" for `topP`, say.
 */
export function validateSampling(options: SamplingOptions = {}, written: (name: keyof Sampling) => string = (name) => name): Sampling {
  const checked = (name: keyof Sampling, value: unknown): number => checkedNumber(written(name), ranges[name], value);
  return {
    temperature: checked("temperature", options.temperature ?? defaultSampling.temperature),
    topK: checked("topK", options.topK ?? defaultSampling.topK),
    topP: checked("topP", options.topP ?? defaultSampling.topP),
    minP: checked("minP", options.minP ?? defaultSampling.minP),
    repetitionPenalty: checked("repetitionPenalty", options.repetitionPenalty ?? defaultSampling.repetitionPenalty),
    penaltyWindow: checked("penaltyWindow", options.penaltyWindow ?? defaultSampling.penaltyWindow),
    seed: checked("seed", options.seed ?? randomSeed()),
  };
}

function checkedNumber(name: string, { least, most, integer = false, off }: Range, value: unknown): number {
  // Written so that NaN fails too.
  const inRange =
    typeof value === "number" && ((value >= least && value <= most) || value === off) && (!integer || Number.isInteger(value));
  if (inRange) return value;
  const limit = `${integer ? "an integer" : "a number"} from ${least} to ${most}${off === undefined ? "" : `, or ${off}`}`;
  throw new LongtabError({
    code: "invalid-option",
    what: `The sampling option ${name} is out of its range`,
    value: shown(value),
    limit,
    remedy: "leave it out for the default",
  });
}

function shown(value: unknown): string {
  return typeof value === "number" ? String(value) : typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : typeof value;
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
