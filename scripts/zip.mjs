import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";

// Offsets and signatures: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).
const END = { signature: 0x06054b50, size: 22 };
const ENTRY = { signature: 0x02014b50, size: 46 };
const LOCAL = { signature: 0x04034b50, size: 30 };
const MAX_COMMENT = 0xffff;
const STORED = 0;
const DEFLATED = 8;

/** @typedef {{ name: string, method: number, packed: number, size: number, local: number }} ZipEntry */

/**
 * Streams the one entry of a zip whose name ends with `suffix` into a file. Zips under 4 GiB, stored or deflated entries: what wheels are.
 * @param {string} zip @param {string} suffix @param {string} target @param {(bytes: number) => void} [onProgress] bytes written so far
 */
export async function extractOne(zip, suffix, target, onProgress) {
  const file = await open(zip);
  try {
    const found = (await readDirectory(file)).filter(({ name }) => name.endsWith(suffix));
    const [entry] = found;
    if (entry === undefined || found.length > 1)
      throw new Error(`${zip} holds ${found.length} files named *${suffix} where one is expected`);
    if (entry.method !== STORED && entry.method !== DEFLATED)
      throw new Error(`${entry.name} in ${zip} uses zip method ${entry.method}, which is not read`);
    const header = await read(file, entry.local, LOCAL.size);
    if (header.readUInt32LE(0) !== LOCAL.signature) throw new Error(`${zip} is damaged: no file header where its directory says`);
    const start = entry.local + LOCAL.size + header.readUInt16LE(26) + header.readUInt16LE(28);
    let written = 0;
    const packed = createReadStream(zip, { start, end: start + entry.packed - 1, highWaterMark: 1 << 20 });
    const output = createWriteStream(target);
    /** @param {AsyncIterable<Buffer>} source */
    const count = async function* (source) {
      for await (const chunk of source) {
        written += chunk.length;
        if (written > entry.size) throw new Error(`${entry.name} in ${zip} is longer than its directory says`);
        onProgress?.(written);
        yield chunk;
      }
    };
    await (entry.method === DEFLATED ? pipeline(packed, createInflateRaw(), count, output) : pipeline(packed, count, output));
    if (written !== entry.size) throw new Error(`${entry.name} in ${zip} ends early`);
  } finally {
    await file.close();
  }
}

/** @param {import("node:fs/promises").FileHandle} file @returns {Promise<ZipEntry[]>} */
async function readDirectory(file) {
  const { size } = await file.stat();
  const tail = await read(file, Math.max(0, size - END.size - MAX_COMMENT), Math.min(size, END.size + MAX_COMMENT));
  let end = tail.length - END.size;
  while (end >= 0 && tail.readUInt32LE(end) !== END.signature) end--;
  if (end < 0) throw new Error("not a zip file: it has no end record");
  const count = tail.readUInt16LE(end + 10);
  const directory = await read(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries = [];
  for (let at = 0, i = 0; i < count; i++) {
    if (at + ENTRY.size > directory.length || directory.readUInt32LE(at) !== ENTRY.signature)
      throw new Error("the zip's directory is damaged");
    const [name, extra, comment] = [28, 30, 32].map((offset) => directory.readUInt16LE(at + offset));
    if (name === undefined || extra === undefined || comment === undefined) throw new Error("the zip's directory is damaged");
    entries.push({
      name: directory.toString("utf8", at + ENTRY.size, at + ENTRY.size + name),
      method: directory.readUInt16LE(at + 10),
      packed: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      local: directory.readUInt32LE(at + 42),
    });
    at += ENTRY.size + name + extra + comment;
  }
  return entries;
}

/** Exactly these bytes, or an error. @param {import("node:fs/promises").FileHandle} file @param {number} position @param {number} length */
async function read(file, position, length) {
  const { size } = await file.stat();
  if (position + length > size) throw new Error(`not a whole zip file: byte ${position + length} of ${size} is asked for`);
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer;
}
