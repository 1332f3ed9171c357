import { LongtabError } from "@longtab/errors";
import { score as scoreCase } from "@longtab/engine";
import type { Backend } from "@longtab/engine";
import { checkWritable, readArray, writeJson } from "./json-file.ts";
import { openModel, placeOptions } from "./model.ts";
import { parseOptions, required } from "./options.ts";

interface ScoreCase {
  id: unknown;
  ids: Uint32Array;
  continuation: Uint32Array;
}

/** `score`: teacher-forced distributions of given continuations. */
export async function score(args: string[]): Promise<number> {
  const { options: o } = parseOptions(args, {
    model: "string",
    in: "string",
    out: "string",
    ...placeOptions,
  });
  const [model, input, output] = [required(o.model, "model"), required(o.in, "in"), required(o.out, "out")];
  const raw = await readArray(input);
  await checkWritable(output);
  const { backend } = await openModel(model, { ...o, context: o.context ?? "dense" });
  try {
    const cases = raw.map((value, index) => parseCase(value, index, backend));
    const results: object[] = [];
    for (const [index, { id, ids, continuation }] of cases.entries()) {
      results.push({ id, steps: await scoreCase(backend, ids, continuation) });
      process.stderr.write(`${index + 1} of ${cases.length} cases\n`);
    }
    await writeJson(output, results);
  } finally {
    backend.dispose();
  }
  return 0;
}

function parseCase(value: unknown, index: number, { vocabularySize, contextLength }: Backend): ScoreCase {
  const { id, ids, continuation } = (value ?? {}) as Record<string, unknown>;
  const parsed = {
    id,
    ids: toIds(ids, `ids of case ${index}`, vocabularySize),
    continuation: toIds(continuation, `continuation of case ${index}`, vocabularySize),
  };
  if (parsed.ids.length === 0)
    throw new LongtabError({
      code: "empty-prompt",
      what: `The ids of case ${index} are empty`,
      remedy: "give at least one token, such as BOS",
    });
  const tokens = parsed.ids.length + Math.max(0, parsed.continuation.length - 1);
  if (tokens > contextLength)
    throw new LongtabError({
      code: "context-exceeded",
      what: `Case ${index} does not fit the context`,
      value: tokens,
      limit: contextLength,
      remedy: "shorten it",
    });
  return parsed;
}

function toIds(value: unknown, name: string, vocabularySize: number): Uint32Array {
  if (!Array.isArray(value))
    throw new LongtabError({ code: "invalid-option", what: `The ${name} should be an array of token ids`, value: typeof value });
  const wrong = (value as unknown[]).find((id) => !Number.isInteger(id) || Number(id) < 0 || Number(id) >= vocabularySize);
  if (wrong !== undefined)
    throw new LongtabError({
      code: "invalid-option",
      what: `The ${name} hold something that is not a token id`,
      value: JSON.stringify(wrong),
      limit: vocabularySize,
    });
  return Uint32Array.from(value as number[]);
}
