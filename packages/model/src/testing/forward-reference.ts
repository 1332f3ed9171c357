import { dequantise, f16ToF32, f32ToF16, parseGguf, readNumber } from "@longtab/formats";
import type { ByteSource, ModelFile } from "@longtab/formats";

/*
 * The llama of the paper in plain f64, one token after another, straight from the file's weights: nothing is shared with the GPU's forward pass but
 * the block decoders. D hidden, H query heads, G KV heads, E head size, F ffn, V vocabulary.
 */

/** A matrix [rows, columns] of what the file's weights stand for. */
interface Matrix {
  rows: number;
  columns: number;
  values: Float32Array;
}

interface Layer {
  attentionNorm: Float32Array;
  query: Matrix;
  key: Matrix;
  value: Matrix;
  attentionOutput: Matrix;
  ffnNorm: Float32Array;
  gate: Matrix;
  up: Matrix;
  down: Matrix;
}

export interface ReferenceLlama {
  heads: number;
  kvHeads: number;
  headSize: number;
  epsilon: number;
  /** Radians per position of each rotating pair of neighbouring channels. */
  frequencies: readonly number[];
  embedding: Matrix;
  layers: readonly Layer[];
  outputNorm: Float32Array;
  head: Matrix;
}

/** Keys and values [tokens][G E] of a layer, rounded to f16 as pages store them. */
interface LayerMemory {
  keys: number[][];
  values: number[][];
}

export async function readReference(source: ByteSource): Promise<ReferenceLlama> {
  const file = await parseGguf(source);
  const number = (key: string): number => readNumber(file.metadata, key);
  const optional = (key: string, otherwise: number): number => (file.metadata.has(key) ? number(key) : otherwise);
  const matrix = (name: string): Promise<Matrix> => readMatrix(file, source, name);
  const vector = async (name: string): Promise<Float32Array> => (await matrix(name)).values;
  const heads = number("llama.attention.head_count");
  const headSize = optional("llama.attention.key_length", number("llama.embedding_length") / heads);
  const rotating = optional("llama.rope.dimension_count", headSize);
  const divisors = file.tensors.has("rope_freqs.weight") ? await vector("rope_freqs.weight") : new Float32Array(rotating / 2).fill(1);
  const layers: Layer[] = [];
  for (let index = 0; index < number("llama.block_count"); index++) {
    layers.push({
      attentionNorm: await vector(`blk.${index}.attn_norm.weight`),
      query: await matrix(`blk.${index}.attn_q.weight`),
      key: await matrix(`blk.${index}.attn_k.weight`),
      value: await matrix(`blk.${index}.attn_v.weight`),
      attentionOutput: await matrix(`blk.${index}.attn_output.weight`),
      ffnNorm: await vector(`blk.${index}.ffn_norm.weight`),
      gate: await matrix(`blk.${index}.ffn_gate.weight`),
      up: await matrix(`blk.${index}.ffn_up.weight`),
      down: await matrix(`blk.${index}.ffn_down.weight`),
    });
  }
  const embedding = await matrix("token_embd.weight");
  return {
    heads,
    kvHeads: number("llama.attention.head_count_kv"),
    headSize,
    epsilon: number("llama.attention.layer_norm_rms_epsilon"),
    frequencies: Array.from(
      divisors,
      (divisor, pair) => number("llama.rope.freq_base") ** ((-2 * pair) / rotating) / optional("llama.rope.scaling.factor", 1) / divisor,
    ),
    embedding,
    layers,
    outputNorm: await vector("output_norm.weight"),
    head: file.tensors.has("output.weight") ? await matrix("output.weight") : embedding,
  };
}

/** A token that a row sees, and the position that the row's query has when it meets it. */
export interface Seen {
  token: number;
  from: number;
}

/** What the row at `position` sees of one KV head. */
export type Sight = (layer: number, kvHead: number, position: number) => readonly Seen[];

const everything: Sight = (_layer, _kvHead, position) => Array.from({ length: position + 1 }, (_, token) => ({ token, from: position }));

/** The logits [V] after each of the ids. */
export function forwardReference(model: ReferenceLlama, ids: readonly number[], sight: Sight = everything): number[][] {
  const memories = model.layers.map((): LayerMemory => ({ keys: [], values: [] }));
  return ids.map((id, position) => {
    let x = row(model.embedding, id);
    for (const [index, layer] of model.layers.entries()) {
      const seen = (kvHead: number): readonly Seen[] => sight(index, kvHead, position);
      x = throughLayer(model, layer, memories[index] as LayerMemory, x, position, seen);
    }
    return times(model.head, rmsNorm(x, model.outputNorm, model.epsilon));
  });
}

function throughLayer(
  model: ReferenceLlama,
  layer: Layer,
  memory: LayerMemory,
  x: number[],
  position: number,
  seen: (kvHead: number) => readonly Seen[],
): number[] {
  const normed = rmsNorm(x, layer.attentionNorm, model.epsilon);
  memory.keys.push(rotate(model, times(layer.key, normed), position).map(toF16));
  memory.values.push(times(layer.value, normed).map(toF16));
  const attended = attend(model, times(layer.query, normed), memory, seen);
  const middle = add(x, times(layer.attentionOutput, attended));

  const ffnNormed = rmsNorm(middle, layer.ffnNorm, model.epsilon);
  const up = times(layer.up, ffnNormed);
  const activated = times(layer.gate, ffnNormed).map((gate, index) => (gate / (1 + Math.exp(-gate))) * at(up, index));
  return add(middle, times(layer.down, activated));
}

/** Softmax attention of each query head over the keys that its KV head sees. */
function attend(
  model: ReferenceLlama,
  queries: number[],
  { keys, values }: LayerMemory,
  seen: (kvHead: number) => readonly Seen[],
): number[] {
  const { heads, kvHeads, headSize } = model;
  const turned = new Map<number, number[]>();
  const queriesFrom = (position: number): number[] => {
    const known = turned.get(position) ?? rotate(model, queries, position);
    turned.set(position, known);
    return known;
  };
  return Array.from({ length: heads }, (_, head) => {
    const kvHead = Math.floor((head * kvHeads) / heads);
    const tokens = seen(kvHead);
    const from = kvHead * headSize;
    const channels = Array.from({ length: headSize }, (__, channel) => channel);
    const scores = tokens.map(({ token, from: position }) => {
      const query = queriesFrom(position);
      const key = keys[token] ?? [];
      return (
        channels.reduce((sum, channel) => sum + at(query, head * headSize + channel) * at(key, from + channel), 0) / Math.sqrt(headSize)
      );
    });
    const largest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - largest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return channels.map((channel) =>
      weights.reduce((sum, weight, index) => sum + (weight / total) * at(values[tokens[index]?.token ?? -1] ?? [], from + channel), 0),
    );
  }).flat();
}

/** Turns each pair of neighbouring channels of each head by its angle; channels beyond the rotating ones stay. */
function rotate({ headSize, frequencies }: ReferenceLlama, x: number[], position: number): number[] {
  const turned = [...x];
  for (let head = 0; head < x.length; head += headSize) {
    for (const [pair, frequency] of frequencies.entries()) {
      const [a, b] = [at(x, head + 2 * pair), at(x, head + 2 * pair + 1)];
      const [cos, sin] = [Math.cos(position * frequency), Math.sin(position * frequency)];
      turned[head + 2 * pair] = a * cos - b * sin;
      turned[head + 2 * pair + 1] = a * sin + b * cos;
    }
  }
  return turned;
}

function rmsNorm(x: number[], weight: Float32Array, epsilon: number): number[] {
  const scale = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length + epsilon);
  return x.map((value, index) => value * scale * at(weight, index));
}

function times({ rows, columns, values }: Matrix, x: number[]): number[] {
  return Array.from({ length: rows }, (_, index) => {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += at(values, index * columns + column) * at(x, column);
    return sum;
  });
}

function row({ columns, values }: Matrix, index: number): number[] {
  return [...values.subarray(index * columns, (index + 1) * columns)];
}

function add(a: number[], b: number[]): number[] {
  return a.map((value, index) => value + at(b, index));
}

function toF16(value: number): number {
  return f16ToF32(f32ToF16(value));
}

async function readMatrix(file: ModelFile, source: ByteSource, name: string): Promise<Matrix> {
  const tensor = file.tensors.get(name);
  if (!tensor) throw new Error(`no tensor ${name}`);
  const columns = tensor.shape.at(-1) ?? 0;
  const rows = tensor.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const values = new Float32Array(rows * columns);
  dequantise(tensor.type, await source.read(tensor.offset, tensor.byteLength), values);
  return { rows, columns, values };
}

function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`index ${index} is outside an array of ${values.length}`);
  return value;
}
