import type { ByteSource } from "@longtab/formats";
import { sha256 } from "@longtab/weights";

const sampledBytes = 65_536;
const utf8 = new TextEncoder();

/**
 * A name for a model's weights, by which what was computed with them is known again: of its size, metadata, and weights from the middle and the
 * end of the file. Two models that differ have another name; nobody is kept from making two that do not.
 */
export async function fingerprint(source: ByteSource): Promise<string> {
  const { size } = source;
  const length = Math.min(sampledBytes, size);
  const places = [0, Math.floor((size - length) / 2), size - length];
  const samples = await Promise.all(places.map(async (place) => source.read(place, length)));
  const bytes = await new Blob([utf8.encode(`${size} `), ...samples]).arrayBuffer();
  return (await sha256(new Uint8Array(bytes))).slice(0, 32);
}
