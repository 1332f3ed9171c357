import { type ErrorCode, LongtabError, isLongtabError } from "@longtab/errors";
import { release } from "@longtab/formats";
import { aborted, delay, throwIfAborted } from "./abort.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import type { WeightsRequest } from "./contract.ts";
import { type WeightDatabase, randomKey } from "./database.ts";
import type { ModelRecord } from "./record.ts";
import { type FileResponse, networkFailed, notFound, openFile, shownUrl, sourceChanged } from "./http.ts";
import { type StatedFile, statedByHub } from "./hub.ts";
import type { ProgressReporter } from "./progress.ts";
import { requireRoom } from "./quota.ts";
import { type IncrementalSha256, createSha256, sha256 } from "./sha256.ts";

/** Patience with the network. */
export interface RetryPolicy {
  /** Connections that break one after the other, each having brought next to nothing, before the load gives up. */
  tries: number;
  /** Before the second connection; doubles each time. */
  firstDelayMs: number;
  stallMs: number;
}

export interface Load {
  request: WeightsRequest;
  database: WeightDatabase;
  chunkBytes: number;
  hubBase: string;
  retry: RetryPolicy;
  progress: ProgressReporter;
  signal: AbortSignal | undefined;
}

/** A connection that brought so much was worth making: the count of failures starts again. */
const WORTHWHILE_BYTES = 64 * 1024;

/** What one address did wrong another may do right; anything else would fail again. In order of what tells the person most. */
const CODES_OF_AN_ADDRESS: readonly ErrorCode[] = [
  "checksum-mismatch",
  "source-changed",
  "network-failed",
  "offline",
  "file-limit",
  "model-not-found",
];

/**
 * Loads a model from the first of its URLs that gives the file, going on with what an earlier session stored.
 * @throws the error of the address, or one that names what each address did; `quota-exceeded`, `storage-unavailable`, `aborted`
 */
export async function download(load: Load): Promise<ModelRecord> {
  const failures: LongtabError[] = [];
  for (const url of load.request.urls) {
    try {
      return await downloadFrom(url, load);
    } catch (error) {
      if (load.signal?.aborted === true) throw aborted(error);
      if (!isLongtabError(error) || !CODES_OF_AN_ADDRESS.includes(error.code)) throw error;
      failures.push(error);
    }
  }
  throw allFailed(load.request.name, failures);
}

function allFailed(name: string, failures: LongtabError[]): LongtabError {
  const code = CODES_OF_AN_ADDRESS.find((candidate) => failures.some((failure) => failure.code === candidate));
  const worst = failures.find((failure) => failure.code === code);
  if (worst === undefined) return new LongtabError({ code: "invalid-option", what: `${name} has no address to load it from` });
  if (failures.length === 1) return worst;
  return new LongtabError({
    code: worst.code,
    what: `${name} could not be loaded from any of ${failures.length} addresses: ${failures.map((failure) => failure.what).join("; ")}`,
    ...(worst.remedy === undefined ? {} : { remedy: worst.remedy }),
    cause: worst,
  });
}

/** A file that changes under the download is begun anew once; a second change is an error. */
async function downloadFrom(url: string, load: Load): Promise<ModelRecord> {
  try {
    return await streamFrom(url, load);
  } catch (error) {
    if (!isLongtabError(error) || error.code !== "source-changed") throw error;
    await load.database.delete(load.request.id, ["partial"]);
    return streamFrom(url, load);
  }
}

async function streamFrom(url: string, load: Load): Promise<ModelRecord> {
  const { signal, retry } = load;
  const stated = await stateOf(url, load);
  let writer = await resume(url, stated, load);
  let failures = 0;
  while (writer?.full !== true) {
    const before = writer?.offset ?? 0;
    try {
      const response = await openFile(url, before, undefined, { signal, stallMs: retry.stallMs });
      try {
        if (writer === undefined) writer = await begin(url, response, stated, load);
        else requireUnchanged(url, response, writer.record);
        await receive(url, response, writer, load);
      } finally {
        response.close();
      }
    } catch (error) {
      throwIfAborted(signal);
      if (!isLongtabError(error) || (error.code !== "network-failed" && error.code !== "offline")) throw error;
      failures = (writer?.offset ?? 0) - before >= WORTHWHILE_BYTES ? 1 : failures + 1;
      // An address that never answered gets one more chance; another address may be waiting.
      if (failures >= (writer === undefined ? 2 : retry.tries)) throw error;
      await delay(retry.firstDelayMs * 2 ** (failures - 1), signal);
    }
  }
  return writer.finish();
}

async function receive(url: string, response: FileResponse, writer: ChunkWriter, { progress, signal }: Load): Promise<void> {
  const { size } = writer.record;
  for await (const piece of response.pieces) {
    throwIfAborted(signal);
    if (writer.offset + piece.length > size) throw sourceChanged(url, "more bytes came than were stated");
    await writer.push(piece);
    progress.update(writer.offset);
  }
  if (!writer.full) throw networkFailed(`${shownUrl(url)} ended after ${writer.offset} of ${size} bytes`);
}

/** The catalogue's word comes before the hub's. */
async function stateOf(url: string, { request, hubBase, signal }: Load): Promise<StatedFile> {
  if (request.sha256 === undefined)
    return { ...(request.size === undefined ? {} : { size: request.size }), ...(await statedByHub(url, hubBase, signal)) };
  return { sha256: request.sha256.toLowerCase(), ...(request.size === undefined ? {} : { size: request.size }) };
}

/** A writer that goes on with what an earlier session stored, where that belongs to the same file. */
async function resume(url: string, stated: StatedFile, load: Load): Promise<ChunkWriter | undefined> {
  const partial = await load.database.record("partial", load.request.id);
  if (partial === undefined) return undefined;
  const known = stated.sha256 ?? partial.sha256;
  const sameSize = stated.size === undefined || stated.size === partial.size;
  const sameHash = stated.sha256 === undefined || partial.sha256 === undefined || stated.sha256 === partial.sha256;
  // Bytes of another address may be mixed only where the whole file's hash will tell whether that was right.
  const sameSource = partial.source?.url === url || (partial.sha256 !== undefined && partial.sha256 === stated.sha256);
  if (!sameSize || !sameHash || !sameSource) return undefined;
  const whole = known === undefined ? undefined : createSha256();
  const record = { ...partial, chunks: whole === undefined ? partial.chunks : await verifyHeld(partial, whole, load) };
  if (known !== undefined) record.sha256 = known;
  const held = Math.min(record.chunks.length * record.chunkBytes, record.size);
  await requireRoom(record.name, record.size - held);
  await load.database.putPartial(record);
  load.progress.begin("download", held, record.size);
  return new ChunkWriter(load.database, record, whole);
}

/** Takes the chunks that are here into the whole file's hash; the first damaged one and what follows will be loaded again. */
async function verifyHeld(partial: ModelRecord, whole: IncrementalSha256, { database, progress, signal }: Load): Promise<string[]> {
  const total = Math.min(partial.chunks.length * partial.chunkBytes, partial.size);
  progress.begin("verify", 0, total);
  for (const [index, hash] of partial.chunks.entries()) {
    throwIfAborted(signal);
    const bytes = await database.chunk(partial.key, index);
    if (bytes === undefined || (await sha256(bytes)) !== hash) return partial.chunks.slice(0, index);
    whole.update(bytes);
    release(bytes);
    progress.update(Math.min((index + 1) * partial.chunkBytes, total));
  }
  return partial.chunks;
}

/** The first answer: is it the file that was announced, and is there room for it? */
async function begin(url: string, response: FileResponse, stated: StatedFile, load: Load): Promise<ChunkWriter> {
  const { request, database, progress } = load;
  const size = response.total;
  if (stated.size !== undefined && stated.size !== size) throw notFound(url, `a file of ${size} bytes where ${stated.size} were announced`);
  const known = stated.sha256 ?? response.sha256;
  const record: ModelRecord = {
    id: request.id,
    name: request.name,
    size,
    chunkBytes: load.chunkBytes,
    key: randomKey(),
    chunks: [],
    urls: [...request.urls],
    source: sourceOf(url, response),
    lastUsed: Date.now(),
    ...(known === undefined ? {} : { sha256: known }),
  };
  await database.delete(request.id, ["partial"]);
  await requireRoom(request.name, size);
  await database.putPartial(record);
  progress.begin("download", 0, size);
  return new ChunkWriter(database, record, known === undefined ? undefined : createSha256());
}

/** A later answer must be of the same file: the check that If-Range would have made. */
function requireUnchanged(url: string, response: FileResponse, record: ModelRecord): void {
  if (response.total !== record.size) throw sourceChanged(url, `it had ${record.size} bytes and has ${response.total} now`);
  if (record.source?.url !== url) {
    record.source = sourceOf(url, response);
  } else if (record.source.validator !== undefined && response.validator !== undefined && record.source.validator !== response.validator) {
    throw sourceChanged(url, "it is another version now");
  }
}

function sourceOf(url: string, { validator }: FileResponse): NonNullable<ModelRecord["source"]> {
  return { url, ...(validator === undefined ? {} : { validator }) };
}
