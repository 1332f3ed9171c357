import { BLOCKS, BytesSource, parseGguf, tensorByteLength } from "@longtab/formats";
import type { MetadataValue, ModelFile, TensorInfo } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import type { TinyModelOptions } from "@longtab/formats/testing";

/** What to change in a tiny model's header: `undefined` removes. */
export interface Changes {
  metadata?: Record<string, MetadataValue | undefined>;
  tensors?: Record<string, Partial<Pick<TensorInfo, "type" | "shape">> | undefined>;
}

/** The parsed header of a tiny model, with changes: a file that is sound but not quite a llama. */
export async function editedModel({ metadata = {}, tensors = {} }: Changes, options: TinyModelOptions = {}): Promise<ModelFile> {
  const file = await parseGguf(new BytesSource(tinyModel(options)));
  return {
    ...file,
    metadata: edit(file.metadata, metadata, (value) => value),
    tensors: edit(file.tensors, tensors, (change, name) => {
      const { type = "F32", shape = [32] } = { ...file.tensors.get(name), ...change };
      return { name, type, shape, offset: 0, byteLength: shape.at(-1)! % BLOCKS[type].blockSize === 0 ? tensorByteLength(type, shape) : 0 };
    }),
  };
}

function edit<Value, Change>(
  map: ReadonlyMap<string, Value>,
  changes: Record<string, Change | undefined>,
  apply: (change: Change, name: string) => Value,
): Map<string, Value> {
  const edited = new Map(map);
  for (const [name, change] of Object.entries(changes)) {
    if (change === undefined) edited.delete(name);
    else edited.set(name, apply(change, name));
  }
  return edited;
}
