import { LongtabError } from "@longtab/errors";
import type { HeaderReader } from "./header-reader.ts";
import { MAX_METADATA_ENTRIES, MAX_TENSORS } from "./limits.ts";
import { overLimit } from "./refusal.ts";

const MAGIC = "GGUF";
const PREAMBLE_BYTES = 24;

/** The least a metadata entry takes: key length 8, key 1, type 4, value 1. */
const LEAST_ENTRY_BYTES = 14;

/** The least a tensor's description takes: name length 8, name 1, dimension count 4, one dimension 8, type 4, offset 8. */
const LEAST_TENSOR_BYTES = 33;

/** What people choose by mistake, by its first bytes. */
const STRANGERS: readonly (readonly [start: string, what: string, remedy: string])[] = [
  [
    "version https://git-lfs",
    "a Git LFS pointer, not the model that it points to",
    "fetch the file itself with git lfs pull or from the model's page",
  ],
  ["<", "a web page", "check the address: the server answered with a page instead of the model"],
  ["PK", "a zip archive, perhaps a PyTorch checkpoint", "choose the model's .gguf file"],
  ["tjgg", "in the GGML format that came before GGUF", "download a current .gguf file of the model"],
  ["lmgg", "in the GGML format that came before GGUF", "download a current .gguf file of the model"],
];

export interface Preamble {
  version: number;
  tensorCount: number;
  metadataCount: number;
}

/** Magic, version, number of tensors, number of metadata entries: 24 bytes. */
export async function readPreamble(reader: HeaderReader): Promise<Preamble> {
  await refuseStranger(reader);
  reader.place = "its first 24 bytes";
  reader.expect(PREAMBLE_BYTES, 1);
  await reader.take(MAGIC.length);
  const version = checkVersion(await reader.u32());
  const tensorCount = await reader.u64();
  const metadataCount = await reader.u64();
  checkCount("tensors", tensorCount, MAX_TENSORS);
  checkCount("metadata entries", metadataCount, MAX_METADATA_ENTRIES);
  reader.place = `its header of ${metadataCount} metadata entries and ${tensorCount} tensors`;
  reader.expect(metadataCount * LEAST_ENTRY_BYTES + tensorCount * LEAST_TENSOR_BYTES, 1);
  return { version, tensorCount, metadataCount };
}

/** Looks at the first bytes alone, so that a short stranger is not called a truncated model. */
async function refuseStranger(reader: HeaderReader): Promise<void> {
  const start = String.fromCharCode(...(await reader.peek(32)));
  if (start.startsWith(MAGIC)) return;
  if (start === "") throw new LongtabError({ code: "file-not-a-model", what: "The file is empty", remedy: "download it again" });
  const stranger = STRANGERS.find(([magic]) => start.startsWith(magic));
  throw new LongtabError({
    code: "file-not-a-model",
    what: `The file is not a GGUF model${stranger === undefined ? "" : `: it is ${stranger[1]}`}`,
    remedy: stranger?.[2] ?? "choose a .gguf file",
  });
}

function checkCount(what: string, value: number, limit: number): void {
  if (value > limit) throw overLimit(`The file claims too many ${what}`, value, limit);
}

function checkVersion(version: number): number {
  if (version === 2 || version === 3) return version;
  const remedy = "download a current .gguf file of the model";
  // 3 with its bytes the other way round.
  if (version >= 2 ** 24 && version % 2 ** 24 === 0) {
    throw new LongtabError({
      code: "unsupported-version",
      what: "The file is a big-endian GGUF; only little-endian ones can be read",
      remedy,
    });
  }
  throw new LongtabError({ code: "unsupported-version", what: "GGUF versions 2 and 3 can be read", value: `version ${version}`, remedy });
}
