import { LongtabError } from "@longtab/errors";
import { readPreamble } from "./gguf-preamble.ts";
import { readMetadata } from "./gguf-metadata.ts";
import { placeTensors, readTensorTable } from "./gguf-tensors.ts";
import { HeaderReader } from "./header-reader.ts";
import { MAX_ALIGNMENT } from "./limits.ts";
import { readInteger, readOptional } from "./metadata.ts";
import type { Metadata, ModelFile } from "./model-file.ts";
import { malformed, overLimit } from "./refusal.ts";
import type { ByteSource } from "./source.ts";

/** GGUF's default for `general.alignment`. */
const DEFAULT_ALIGNMENT = 32;

/**
 * Parses the header of a GGUF file, version 2 or 3: metadata and tensor table. Reads only the header's bytes, through a window.
 *
 * A file is: preamble (magic, version, counts), metadata (key, type, value), tensor table (name, dimensions, type, offset), padding to the
 * alignment, tensor data. Every number in it is checked (limits.ts) before anything is allocated for it.
 * Source: the GGUF specification, docs/gguf.md in ggml.
 *
 * @throws LongtabError `file-not-a-model`, `file-truncated`, `file-malformed`, `file-limit`, `unsupported-version` or `unsupported-type`.
 */
export async function parseGguf(source: ByteSource): Promise<ModelFile> {
  const reader = new HeaderReader(source);
  const { version, tensorCount, metadataCount } = await readPreamble(reader);
  const metadata = await readMetadata(reader, metadataCount);
  refuseShard(metadata);
  const alignment = readAlignment(metadata);
  const table = await readTensorTable(reader, tensorCount);
  const dataStart = Math.ceil(reader.position / alignment) * alignment;
  const tensors = placeTensors(table, { dataStart, alignment, size: source.size });
  return { format: "gguf", version, size: source.size, metadata, tensors };
}

function readAlignment(metadata: Metadata): number {
  const alignment = readOptional(metadata, "general.alignment", readInteger) ?? DEFAULT_ALIGNMENT;
  if (alignment > MAX_ALIGNMENT) {
    throw overLimit("general.alignment is too large", alignment, MAX_ALIGNMENT);
  }
  if (alignment < 8 || !Number.isInteger(Math.log2(alignment))) {
    throw malformed("general.alignment must be a power of two and a multiple of 8", alignment);
  }
  return alignment;
}

/** A model split over several files keeps its metadata in the first; one part alone cannot run. */
function refuseShard(metadata: Metadata): void {
  const parts = readOptional(metadata, "split.count", readInteger) ?? 1;
  if (parts > 1) {
    throw new LongtabError({
      code: "file-limit",
      what: "The file is one part of a model that is split into several files",
      value: `${parts} files`,
      limit: 1,
      remedy: "use a file that is not split, or join the parts with llama-gguf-split --merge",
    });
  }
}
