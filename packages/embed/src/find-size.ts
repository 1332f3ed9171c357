/** How many bytes a file has that lies at the first of these addresses that answers; undefined where none says so. Fetches no byte of it. */
export async function findSize(urls: readonly string[]): Promise<number | undefined> {
  for (const url of urls) {
    try {
      const { ok, headers } = await fetch(url, { method: "HEAD", credentials: "omit" });
      // The hub states the size of large files by a header of its own, before it redirects.
      const bytes = Number(headers.get("content-length") ?? headers.get("x-linked-size"));
      if (ok && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
    } catch {
      // Perhaps the next one answers; the download says what is wrong where none does.
    }
  }
  return undefined;
}
