/** One file of a version of the page. */
export interface Entry {
  /** Relative to the service worker. */
  url: string;
  /** Null where the address names the contents already. */
  revision: string | null;
  /** As in <script integrity>: what the bytes must be. The web manifest has none, which a host may serve as it likes. */
  integrity?: string;
  /** Kept when it is first asked for, rather than beforehand. */
  optional?: boolean;
}

const PREFIX = "longtab-page-";

/**
 * One version of the page in a cache of its own. It is filled before the version is used and never changed after, so that a version is all
 * there or not used at all: a download that breaks off, or a host that has half of the files replaced, leaves the version in use as it is.
 */
export class Precache {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #name: string;

  constructor(entries: readonly Entry[], base: string) {
    this.#entries = new Map(entries.map((entry) => [new URL(entry.url, base).href, entry]));
    this.#name = `${PREFIX}${shortHash(entries.map(({ url, revision, integrity }) => `${url} ${integrity ?? revision}`).join("\n"))}`;
  }

  has(address: string): boolean {
    return this.#entries.has(address);
  }

  /**
   * Fetches what is not here yet; what an older version has under a name with a hash is taken from there. Rejects when a file is missing or
   * is not what it should be. What came until then is whole and right, and the next try goes on from there.
   */
  async fill(): Promise<void> {
    const cache = await caches.open(this.#name);
    await Promise.all(
      Array.from(this.#entries, async ([address, entry]) => {
        if ((await cache.match(address)) !== undefined) return;
        const known = entry.revision === null ? await caches.match(address) : undefined;
        if (known === undefined && entry.optional === true) return;
        await cache.put(address, known ?? (await fetchEntry(address, entry)));
      }),
    );
  }

  /** From the cache, without a word to the network; from the network where the browser has cleared the cache or the file is optional. */
  async answer(address: string): Promise<Response> {
    const cache = await caches.open(this.#name);
    const kept = await cache.match(address);
    if (kept !== undefined) return kept;
    const entry = this.#entries.get(address);
    if (entry === undefined) return fetch(address);
    const response = await fetchEntry(address, entry);
    // A full disk costs the copy, not the answer.
    await cache.put(address, response.clone()).catch(() => undefined);
    return response;
  }

  /** Deletes every other version. */
  async deleteOthers(): Promise<void> {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== this.#name).map((name) => caches.delete(name)));
  }
}

/** What the browser's own cache has may be damaged, too: then the host is asked. */
async function fetchEntry(address: string, entry: Entry): Promise<Response> {
  return fetchFrom(address, entry, entry.revision === null ? "default" : "no-cache").catch(() => fetchFrom(address, entry, "reload"));
}

async function fetchFrom(address: string, { integrity = "" }: Entry, cache: RequestCache): Promise<Response> {
  const response = await fetch(address, { integrity, cache });
  if (!response.ok) throw new TypeError(`${address} was answered with ${response.status}`);
  return response;
}

/** FNV-1a in 64 bits: enough to tell versions of one page apart. */
function shortHash(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  return hash.toString(16).padStart(16, "0");
}
