import { policyNumbers } from "@longtab/attention";
import { LongtabError } from "@longtab/errors";
import type { ByteSource } from "@longtab/formats";
import type { Backend, CacheForm } from "../backend.ts";
import { crc32 } from "./crc32.ts";

/*
 * A snapshot, little-endian:
 *
 *   "LTKV", u32 version, u32 header bytes, the header (JSON in UTF-8), u32 CRC
 *   u32 ids [tokens], up to `pieceIds` at a time, u32 CRC
 *   u32 gaps [layers, kvHeads, 2]: the first token that a head gave back and the first that it kept again, or two zeros; u32 CRC
 *   blocks, about `pieceBytes` at a time (`layoutOf`), u32 CRC: of each block the pages of the layers and heads that keep one
 *
 * Each CRC is of everything before it but the CRCs, so that pieces cannot change places.
 */
const magic = 0x564b544c;
const version = 3;
const preludeBytes = 12;
const crcBytes = 4;
/** A header has a few hundred bytes, and one for each head; more is not one. */
const mostHeaderBytes = 65_536;

/** What a snapshot says about itself. */
export interface Header {
  backend: Backend["kind"];
  /** The caller's fingerprint of the model: which weights the keys and values were computed with. */
  model: string;
  form: CacheForm;
  /** What was kept and seen, and so what the keys and values mean. */
  policy: { name: string; numbers: string };
  tokens: number;
}

/** What tells a snapshot for this backend and model from others. */
export function headerFor({ kind, cacheForm, policy }: Backend, model: string, tokens: number): Header {
  return {
    backend: kind,
    model,
    form: cacheForm,
    policy: { name: policy.name, numbers: policyNumbers(policy, cacheForm) },
    tokens,
  };
}

/** The sections of a snapshot, each with the CRC behind it. */
export class SectionWriter {
  #crc = 0;

  header(header: Header): Uint8Array<ArrayBuffer> {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const bytes = new Uint8Array(preludeBytes + text.length);
    const view = new DataView(bytes.buffer);
    for (const [index, word] of [magic, version, text.length].entries()) view.setUint32(index * 4, word, true);
    bytes.set(text, preludeBytes);
    return this.section(bytes);
  }

  section(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#crc = crc32(bytes, this.#crc);
    const section = new Uint8Array(bytes.length + crcBytes);
    section.set(bytes);
    new DataView(section.buffer).setUint32(bytes.length, this.#crc, true);
    return section;
  }
}

/** Reads a snapshot section by section and checks each. */
export class SectionReader {
  #source: ByteSource;
  #at = 0;
  #crc = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** @throws LongtabError `snapshot-damaged`, `unsupported-version`, and what `source.read` throws. */
  async header(): Promise<Header> {
    const prelude = await this.#read(preludeBytes);
    const view = new DataView(prelude.buffer);
    if (view.getUint32(0, true) !== magic) throw damaged("The file is not a snapshot of a conversation");
    const found = view.getUint32(4, true);
    if (found !== version) {
      throw new LongtabError({
        code: "unsupported-version",
        what: "The snapshot has a format that this version does not read",
        value: found,
        limit: version,
        remedy: "read the conversation again",
      });
    }
    const length = view.getUint32(8, true);
    if (length > mostHeaderBytes) throw damaged("The snapshot's header is too long", length, mostHeaderBytes);
    this.#at = 0;
    const bytes = await this.section(preludeBytes + length);
    return parseHeader(new TextDecoder().decode(bytes.subarray(preludeBytes)));
  }

  /** The next `length` bytes, whose CRC was right. */
  async section(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const start = this.#at;
    const section = await this.#read(length + crcBytes);
    const bytes = section.subarray(0, length);
    this.#crc = crc32(bytes, this.#crc);
    if (new DataView(section.buffer).getUint32(length, true) !== this.#crc)
      throw damaged(`The snapshot's bytes ${start} to ${start + length} are not those that were written`);
    return bytes;
  }

  /** Throws where the source ends before `bytes` more. */
  expect(bytes: number): void {
    if (this.#at + bytes > this.#source.size) throw damaged("The snapshot ends too early", this.#source.size, this.#at + bytes);
  }

  /** Throws where the source goes on. */
  end(): void {
    if (this.#at < this.#source.size) throw damaged("The snapshot is longer than it should be", this.#source.size, this.#at);
  }

  async #read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    this.expect(length);
    const bytes = await this.#source.read(this.#at, length);
    this.#at += length;
    return bytes;
  }
}

/** @throws LongtabError `snapshot-mismatch` unless the snapshot was written for `expected`, but for its length. */
export function checkHeader(found: Header, expected: Header): void {
  const facts = ({ backend, model, form, policy }: Header): [string, string | number][] => [
    ["backend", backend],
    ["model", model],
    ["precision of the cache", form.precision],
    ["number of layers", form.layers],
    ["number of KV heads", form.kvHeads],
    ["head size", form.headSize],
    ["size of a block", form.blockTokens],
    ["size of an open page in bytes", form.pageBytes.open],
    ["size of closed pages in bytes", form.pageBytes.closed.join(" ")],
    ["context policy", policy.name],
    ["choice of numbers for its context policy", policy.numbers],
  ];
  const wanted = facts(expected);
  for (const [index, [name, value]] of facts(found).entries()) {
    const limit = wanted[index]?.[1];
    if (value !== limit) {
      throw new LongtabError({
        code: "snapshot-mismatch",
        what: `The snapshot was made with another ${name}`,
        value,
        ...(limit !== undefined && { limit }),
        remedy: "read the conversation again",
      });
    }
  }
}

export function damaged(what: string, value?: number, limit?: number): LongtabError {
  return new LongtabError({
    code: "snapshot-damaged",
    what,
    ...(value !== undefined && { value }),
    ...(limit !== undefined && { limit }),
    remedy: "delete it and read the conversation again",
  });
}

function parseHeader(text: string): Header {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw damaged("The snapshot's header is not JSON");
  }
  if (!isHeader(header)) throw damaged("The snapshot's header lacks a field or has one of another type");
  return header;
}

function isHeader(value: unknown): value is Header {
  const { backend, model, form, policy, tokens } = (value ?? {}) as Partial<Header>;
  const { precision, pageBytes, layers, kvHeads, headSize, blockTokens } = (form ?? {}) as Partial<CacheForm>;
  const { name, numbers } = (policy ?? {}) as Partial<Header["policy"]>;
  const { open, closed } = (pageBytes ?? {}) as Partial<CacheForm["pageBytes"]>;
  return (
    [backend, model, precision, name, numbers].every((text) => typeof text === "string") &&
    [tokens, layers, kvHeads, headSize, blockTokens, open].every((size) => Number.isInteger(size) && (size ?? 0) > 0) &&
    Array.isArray(closed) &&
    closed.every((size) => Number.isInteger(size) && size >= 0)
  );
}
