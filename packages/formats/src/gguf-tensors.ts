import { LongtabError } from "@longtab/errors";
import { BLOCKS, TENSOR_TYPES, tensorByteLength } from "./blocks.ts";
import { checkName } from "./gguf-metadata.ts";
import { TENSOR_TYPE_IDS, UNREADABLE_TYPES } from "./gguf-types.ts";
import type { HeaderReader } from "./header-reader.ts";
import { MAX_DIMENSIONS, MAX_ELEMENTS, MAX_TENSOR_NAME_BYTES } from "./limits.ts";
import type { TensorInfo, TensorType } from "./model-file.ts";
import { malformed, overLimit } from "./refusal.ts";

const TYPES_BY_ID: ReadonlyMap<number, TensorType> = new Map(TENSOR_TYPES.map((type) => [TENSOR_TYPE_IDS[type], type]));

/** `count` descriptions of name, dimensions, type and offset. The offsets are still relative to the start of the data. */
export async function readTensorTable(reader: HeaderReader, count: number): Promise<Map<string, TensorInfo>> {
  const table = new Map<string, TensorInfo>();
  for (let index = 0; index < count; index += 1) {
    reader.place = `tensor ${index + 1} of ${count}`;
    const tensor = await readTensor(reader);
    if (table.has(tensor.name)) throw malformed(`Tensor ${tensor.name} is in the file twice`);
    table.set(tensor.name, tensor);
  }
  return table;
}

async function readTensor(reader: HeaderReader): Promise<TensorInfo> {
  const name = await reader.string(MAX_TENSOR_NAME_BYTES);
  checkName(name, "tensor name");
  reader.place = `the description of tensor ${name}`;
  const shape = await readShape(reader, name);
  const type = checkType(name, await reader.u32());
  const offset = await reader.u64();
  const columns = shape.at(-1) ?? 1;
  const { blockSize } = BLOCKS[type];
  if (columns % blockSize !== 0)
    throw malformed(`Tensor ${name} is ${type}, whose rows are whole blocks of ${blockSize} elements`, columns);
  return { name, type, shape, offset, byteLength: tensorByteLength(type, shape) };
}

/** GGUF writes the fastest dimension first; shapes here are row-major, slowest first. */
async function readShape(reader: HeaderReader, name: string): Promise<number[]> {
  const count = await reader.u32();
  if (count > MAX_DIMENSIONS) throw overLimit(`Tensor ${name} has too many dimensions`, count, MAX_DIMENSIONS);
  if (count === 0) throw malformed(`Tensor ${name} has no dimensions`);
  const shape: number[] = [];
  let elements = 1;
  for (let dimension = 0; dimension < count; dimension += 1) {
    const size = await reader.u64();
    if (size === 0) throw malformed(`Tensor ${name} has a dimension of size 0`);
    elements *= size;
    if (elements > MAX_ELEMENTS) throw overLimit(`Tensor ${name} has too many elements`, elements, MAX_ELEMENTS);
    shape.unshift(size);
  }
  return shape;
}

function checkType(name: string, id: number): TensorType {
  const type = TYPES_BY_ID.get(id);
  if (type !== undefined) return type;
  const known = UNREADABLE_TYPES[id];
  throw new LongtabError({
    code: "unsupported-type",
    what: `Tensor ${name} is stored as ${known ?? `type ${id}`}, which is not supported`,
    remedy: "use the Q4_K_M or Q8_0 file of the same model",
  });
}

/**
 * Makes offsets absolute and checks that every tensor is aligned, lies inside the file and overlaps no other.
 * @param data where the tensor data start, the file's alignment, the file's size, all in bytes.
 */
export function placeTensors(
  table: ReadonlyMap<string, TensorInfo>,
  data: { dataStart: number; alignment: number; size: number },
): ReadonlyMap<string, TensorInfo> {
  const tensors = new Map<string, TensorInfo>();
  for (const tensor of table.values()) {
    const { name, byteLength } = tensor;
    if (tensor.offset % data.alignment !== 0)
      throw malformed(`Tensor ${name} does not start at a multiple of the alignment ${data.alignment}`, tensor.offset);
    const offset = data.dataStart + tensor.offset;
    const end = offset + byteLength;
    if (end > data.size) {
      throw new LongtabError({
        code: "file-truncated",
        what: `The file ends before the end of tensor ${name} at byte ${end}`,
        value: `${data.size} bytes`,
        remedy: "download the file again",
      });
    }
    tensors.set(name, { ...tensor, offset });
  }
  checkOverlap([...tensors.values()].toSorted((a, b) => a.offset - b.offset));
  return tensors;
}

function checkOverlap(byOffset: readonly TensorInfo[]): void {
  let previous: TensorInfo | undefined;
  for (const tensor of byOffset) {
    if (previous !== undefined && previous.offset + previous.byteLength > tensor.offset) {
      throw malformed(`Tensor ${tensor.name} overlaps tensor ${previous.name}`, tensor.offset);
    }
    previous = tensor;
  }
}
