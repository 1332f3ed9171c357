import { LongtabError, throwIfAborted } from "@longtab/errors";
import type { ByteSource } from "@longtab/formats";
import type { Backend, Timeline } from "../backend.ts";
import { checkHeader, damaged, headerFor, SectionReader, SectionWriter } from "./format.ts";
import type { Header } from "./format.ts";
import { blockPieces, decodeGaps, encodeGaps, idPieces } from "./layout.ts";

/**
 * The keys and values of a timeline as bytes, a piece of about a megabyte at a time: no more is held.
 * Without ids there is nothing to write.
 * @param ids of the timeline, all of them. It must not change until the last piece was taken.
 * @param model a fingerprint of the weights, compared when the snapshot is restored.
 * @throws LongtabError `device-lost`, `disposed`.
 */
export async function* writeSnapshot(
  backend: Backend,
  timeline: Timeline,
  ids: Uint32Array,
  model: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  if (ids.length === 0) return;
  const writer = new SectionWriter();
  yield writer.header(headerFor(backend, model, ids.length));
  for (const { from, to } of idPieces(ids.length)) yield writer.section(new Uint8Array(ids.slice(from, to).buffer));
  const gaps = timeline.gaps();
  yield writer.section(encodeGaps(gaps));
  for (const { first, count } of blockPieces(ids.length, backend.cacheForm, gaps))
    yield writer.section(await timeline.readBlocks(first, count));
}

/**
 * Checks every byte of a snapshot without keeping more than a piece.
 * @returns the ids of the timeline that it was made of.
 * @throws LongtabError `snapshot-damaged`, `snapshot-mismatch` (another model, backend or shape), `unsupported-version`, `context-exceeded`, `aborted`,
 * and what `source.read` throws.
 */
export async function checkSnapshot(source: ByteSource, backend: Backend, model: string, signal?: AbortSignal): Promise<Uint32Array> {
  return readSnapshot(source, backend, model, signal, async () => {});
}

/**
 * Puts the keys and values of a snapshot into an empty timeline. When it fails the timeline may hold some of them.
 * @throws LongtabError as `checkSnapshot` does, and `device-lost`, `disposed`, `out-of-memory`.
 */
export async function restoreSnapshot(
  source: ByteSource,
  backend: Backend,
  model: string,
  timeline: Timeline,
  signal?: AbortSignal,
): Promise<Uint32Array> {
  return readSnapshot(source, backend, model, signal, (ids, blocks, gaps) => timeline.appendBlocks(ids, blocks, gaps));
}

async function readSnapshot(
  source: ByteSource,
  backend: Backend,
  model: string,
  signal: AbortSignal | undefined,
  take: Timeline["appendBlocks"],
): Promise<Uint32Array> {
  const reader = new SectionReader(source);
  const header = await reader.header();
  checkHeader(header, headerFor(backend, model, header.tokens));
  checkLength(header, backend);
  const { form, tokens } = header;
  reader.expect(tokens * 4);
  const ids = new Uint32Array(tokens);
  for (const { from, to } of idPieces(tokens)) ids.set(new Uint32Array((await reader.section((to - from) * 4)).slice().buffer), from);
  if (ids.some((id) => id >= backend.vocabularySize)) throw damaged("The snapshot has a token that the model does not have");
  const gaps = decodeGaps(await reader.section(form.layers * form.kvHeads * 8), form, backend.policy, tokens);
  for (const { first, count, bytes } of blockPieces(tokens, form, gaps)) {
    throwIfAborted(signal);
    const blocks = await reader.section(bytes);
    await take(ids.subarray(first * form.blockTokens, (first + count) * form.blockTokens), blocks, gaps);
  }
  reader.end();
  return ids;
}

function checkLength({ tokens }: Header, { contextLength }: Backend): void {
  if (tokens <= contextLength) return;
  throw new LongtabError({
    code: "context-exceeded",
    what: "The snapshot is longer than the context",
    value: tokens,
    limit: contextLength,
    remedy: "load the model with a longer context",
  });
}
