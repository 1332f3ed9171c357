import { readFile, writeFile } from "node:fs/promises";
import { LongtabError } from "@longtab/errors";

/** @throws LongtabError `invalid-option` when the file is missing or not JSON. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new LongtabError({
      code: "invalid-option",
      what: `The file ${path} cannot be read as JSON`,
      remedy: cause instanceof Error ? cause.message : "check the path",
      cause,
    });
  }
}

/** A JSON file that must hold an array. @throws LongtabError `invalid-option` when it is missing, not JSON or not an array. */
export async function readArray(path: string): Promise<unknown[]> {
  const value = await readJson(path);
  if (Array.isArray(value)) return value as unknown[];
  throw new LongtabError({
    code: "invalid-option",
    what: `The file ${path} does not hold a JSON array`,
    remedy: "see `npm run longtab -- help`",
  });
}

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value)}\n`);
}
