import { LongtabError } from "@longtab/errors";

const remedy = "download the file again, or take one from another source";

/** What a file says cannot be. */
export function malformed(what: string, value?: string | number, cause?: unknown): LongtabError {
  return new LongtabError({
    code: "file-malformed",
    what,
    ...(value !== undefined && { value }),
    remedy,
    ...(cause !== undefined && { cause }),
  });
}

/** What a file says is more than a file may say (limits.ts). */
export function overLimit(what: string, value: string | number, limit: number): LongtabError {
  return new LongtabError({ code: "file-limit", what, value, limit, remedy });
}
