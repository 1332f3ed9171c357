import { LongtabError } from "@longtab/errors";
import { release } from "@longtab/formats";
import { throwIfAborted } from "./abort.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { type WeightDatabase, randomKey } from "./database.ts";
import type { ModelRecord } from "./record.ts";
import { LARGEST_FILE } from "./http.ts";
import type { ProgressReporter } from "./progress.ts";
import { requireRoom } from "./quota.ts";
import { sha256 } from "./sha256.ts";

export interface FileFingerprint {
  /** One id for one name and content, so that the same file chosen again is the model that is stored already. */
  id: string;
  /** SHA-256 of each chunk. */
  chunks: string[];
}

export interface Import {
  database: WeightDatabase;
  chunkBytes: number;
  progress: ProgressReporter;
  signal: AbortSignal | undefined;
}

/**
 * Reads the file once, as phase "verify". Hashing chunk by chunk lets the browser's own SHA-256 do it, ten times as fast as one
 * that can go on from chunk to chunk; the id holds the hash of those hashes.
 * @throws `file-not-a-model` when empty, `file-limit`, `source-changed`, `aborted`
 */
export async function fingerprint(file: File, { chunkBytes, progress, signal }: Import): Promise<FileFingerprint> {
  if (file.size === 0)
    throw new LongtabError({ code: "file-not-a-model", what: `The file ${file.name} is empty`, remedy: "choose a model file" });
  if (file.size > LARGEST_FILE)
    throw new LongtabError({ code: "file-limit", what: `The file ${file.name} is too large`, value: file.size, limit: LARGEST_FILE });
  const chunks: string[] = [];
  progress.begin("verify", 0, file.size);
  for (let offset = 0; offset < file.size; offset += chunkBytes) {
    throwIfAborted(signal);
    const bytes = await slice(file, offset, chunkBytes);
    chunks.push(await sha256(bytes));
    progress.update(offset + bytes.length);
    release(bytes);
  }
  const content = await sha256(new TextEncoder().encode(chunks.join("\n")));
  // oxlint-disable-next-line no-control-regex -- control characters are what is taken out
  const name = file.name.replace(/[\u0000-\u001f\u007f\\/]/g, "_").slice(-120);
  return { id: `file:${name}:${content.slice(0, 16)}`, chunks };
}

/**
 * Stores a file that the person chose, going on where an earlier import stopped.
 * @throws `source-changed` when the file no longer has the fingerprint's content, `quota-exceeded`, `storage-unavailable`, `aborted`
 */
export async function storeFile(file: File, { id, chunks }: FileFingerprint, load: Import): Promise<ModelRecord> {
  const { database, chunkBytes, progress, signal } = load;
  const fresh: ModelRecord = {
    id,
    name: file.name,
    size: file.size,
    chunkBytes,
    key: randomKey(),
    chunks: [],
    urls: [],
    lastUsed: Date.now(),
  };
  const record = (await database.record("partial", id)) ?? fresh;
  const held = Math.min(record.chunks.length * chunkBytes, file.size);
  await requireRoom(file.name, file.size - held);
  if (record === fresh) await database.putPartial(fresh);
  progress.begin("download", held, file.size);
  const writer = new ChunkWriter(database, record, undefined);
  while (!writer.full) {
    throwIfAborted(signal);
    const index = record.chunks.length;
    const bytes = await slice(file, writer.offset, chunkBytes);
    await writer.push(bytes);
    if (record.chunks[index] !== chunks[index]) {
      await database.delete(id, ["partial"]);
      throw fileChanged(file);
    }
    release(bytes);
    progress.update(writer.offset);
  }
  return writer.finish();
}

async function slice(file: File, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const part = file.slice(offset, offset + length);
  try {
    return new Uint8Array(await part.arrayBuffer());
  } catch (error) {
    throw fileChanged(file, error);
  }
}

function fileChanged({ name }: File, cause?: unknown): LongtabError {
  return new LongtabError({
    code: "source-changed",
    what: `The file ${name} was changed, moved or deleted while it was read`,
    remedy: "choose it again",
    cause,
  });
}
