import { LongtabError } from "@longtab/errors";

const blockBytes = 512;

/**
 * One file's bytes out of a tar archive (POSIX ustar, as npm packs them): the name at byte 0, the size in octal digits at 124, each file's bytes from
 * the next block on.
 * @throws LongtabError `file-malformed` where the archive is cut short or does not hold the file.
 */
export function readFromTar(archive: Uint8Array, name: string): Uint8Array {
  for (let at = 0; at + blockBytes <= archive.length;) {
    const size = Number.parseInt(text(archive, at + 124, 12), 8);
    if (Number.isNaN(size)) break;
    const start = at + blockBytes;
    if (text(archive, at, 100) === name) {
      if (start + size <= archive.length) return archive.subarray(start, start + size);
      throw new LongtabError({
        code: "file-malformed",
        what: `The archive ends inside ${name}`,
        remedy: "delete it, so that it is fetched again",
      });
    }
    at = start + Math.ceil(size / blockBytes) * blockBytes;
  }
  throw new LongtabError({
    code: "file-malformed",
    what: `The archive does not hold ${name}`,
    remedy: "delete it, so that it is fetched again",
  });
}

/** A field: bytes up to the first NUL. */
function text(archive: Uint8Array, at: number, length: number): string {
  const bytes = archive.subarray(at, at + length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
