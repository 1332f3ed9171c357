import { readFile } from "node:fs/promises";
import { LongtabError } from "@longtab/errors";

/** The text of a UTF-8 file, without a byte order mark. @throws LongtabError `invalid-option` when it cannot be read, is not UTF-8 or is empty. */
export async function readText(path: string): Promise<string> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
    if (text !== "") return text;
  } catch (cause) {
    throw new LongtabError({
      code: "invalid-option",
      what: `The file ${path} cannot be read as text`,
      remedy: cause instanceof TypeError ? "save it as UTF-8" : cause instanceof Error ? cause.message : "check the path",
      cause,
    });
  }
  throw new LongtabError({ code: "invalid-option", what: `The file ${path} is empty`, remedy: "name a file that holds text" });
}
