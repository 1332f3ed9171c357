import { hubFileOf } from "./reference.ts";
import { parseSha256 } from "./sha256.ts";

/** What is known of a file before its first byte. */
export interface StatedFile {
  sha256?: string;
  size?: number;
}

const PATIENCE_MS = 10_000;

/**
 * The SHA-256 and size that the hub states for a file, or nothing: not a hub URL, a file outside LFS, no answer.
 *
 * The hub states them in X-Linked-ETag and X-Linked-Size of the redirect to its CDN, which a browser never shows: `fetch` follows
 * it, and `redirect: "manual"` gives an opaque response. The CDN's own ETag is a Xet hash: 64 hex digits as well, but of something
 * else. What a page can read is the hub's API: https://huggingface.co/docs/hub/api, paths-info. A form as the body keeps the
 * request free of a CORS preflight; huggingface_hub (Python) sends the same.
 */
export async function statedByHub(url: string, hubBase: string, signal: AbortSignal | undefined): Promise<StatedFile> {
  const file = hubFileOf(url, hubBase);
  if (file === undefined) return {};
  const address = `${hubBase.replace(/\/$/, "")}/api/models/${file.owner}/${file.repo}/paths-info/${encodeURIComponent(file.revision)}`;
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    const response = await fetch(address, {
      method: "POST",
      body: new URLSearchParams({ paths: file.path }),
      credentials: "omit",
      signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
    });
    return response.ok ? readPathsInfo(await response.json(), file.path) : {};
  } catch {
    // Without an answer nothing is stated; the download itself meets and reports whatever is wrong with the network.
    return {};
  }
}

/** `[{ path, size, lfs: { oid, size } }]`, where `oid` is the SHA-256 of the file. */
function readPathsInfo(answer: unknown, path: string): StatedFile {
  const entry: unknown = Array.isArray(answer) ? answer.find((item) => field(item, "path") === path) : undefined;
  const lfs = field(entry, "lfs");
  const oid = field(lfs, "oid");
  const size = field(lfs, "size");
  const sha256 = parseSha256(typeof oid === "string" ? oid : undefined);
  return {
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(typeof size === "number" && Number.isSafeInteger(size) && size > 0 ? { size } : {}),
  };
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
