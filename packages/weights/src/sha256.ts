import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

/** SHA-256 of bytes that arrive piece by piece. Measured in Chromium on two cores: 40 MB/s, against 540 MB/s of `sha256`. */
export interface IncrementalSha256 {
  update(bytes: Uint8Array): void;
  /** Lower-case hex; ends the computation. */
  finish(): string;
}

export function createSha256(): IncrementalSha256 {
  const state = nobleSha256.create();
  return { update: (bytes) => void state.update(bytes), finish: () => bytesToHex(state.digest()) };
}

/** SHA-256 of bytes at hand in lower-case hex, by the browser where it offers one (secure contexts only). */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle = (globalThis.crypto as Partial<Crypto>).subtle;
  return bytesToHex(subtle === undefined ? nobleSha256(bytes) : new Uint8Array(await subtle.digest("SHA-256", bytes)));
}

/** What a server may state as a SHA-256: 64 hex digits, quoted or not, as an ETag is. */
export function parseSha256(text: string | null | undefined): string | undefined {
  return /^"?([0-9a-f]{64})"?$/i.exec(text ?? "")?.[1]?.toLowerCase();
}
