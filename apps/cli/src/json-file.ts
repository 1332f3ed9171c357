import { open, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { LongtabError } from "@longtab/errors";

/** Of a UTF-8 file, with or without a byte order mark. @throws LongtabError `invalid-option` when the file is missing or not JSON. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(await readFile(path)));
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

/**
 * Before work whose result is to be written there. What is there stays as it is, and nothing stays where nothing was.
 * @throws LongtabError `invalid-option` when no file can be.
 */
export async function checkWritable(path: string): Promise<void> {
  try {
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory()) throw new Error("it is a folder");
    // Pipes would wait for a reader.
    if (there?.isFile() === false) return;
    // Opened, since a file's own rights, its name or its disk may forbid what its folder allows.
    await (await open(path, "a")).close();
    // A link that led nowhere stays.
    if (there === undefined) await rm(await realpath(path));
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** @throws LongtabError `invalid-option` when the file cannot be written. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(value)}\n`);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): LongtabError {
  return new LongtabError({
    code: "invalid-option",
    what: `The file ${path} cannot be written`,
    remedy: cause instanceof Error ? cause.message : "name another",
    cause,
  });
}
