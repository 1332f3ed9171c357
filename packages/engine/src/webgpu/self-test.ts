import { LongtabError } from "@longtab/errors";
import { dequantise, rowByteLength } from "@longtab/formats";
import type { ByteSource, ModelFile, TensorInfo, TensorType } from "@longtab/formats";
import { readBuffer } from "@longtab/gpu";
import { embed, findTensors, matmul } from "@longtab/model";
import type { ModelConfig, ModelWeights, Weight } from "@longtab/model";
import { randomBits } from "../sampling/noise.ts";
import type { WebGpuBackend } from "./backend.ts";

/** Tokens of the steps that are compared: enough for the kernels of many rows. */
export const testedTokens = 3;

/**
 * Largest error of a product, in units of its terms' summed magnitudes. The kernels' own tests allow 2e-6 on every driver; one wrong weight of a
 * thousand is off by more than this.
 */
const productTolerance = 2e-5;
/** Largest error of an embedding, in units of the row's largest weight: one f32 rounding or two. */
const embeddingTolerance = 1e-5;
/**
 * Largest difference between the logits of the two ways to run a token, in units of their standard deviation. Sums in another order and keys that
 * round to the neighbouring f16 make 0.001 with SmolLM2-135M; a kernel that reads a wrong row makes more than 1.
 */
const logitTolerance = 0.1;

/** A row of a weight on the GPU, and its bytes in the file. */
interface TestedRow {
  tensor: TensorInfo;
  /** In the tensor, and in the weight that it is stacked into. */
  row: number;
  at: number;
  offset: number;
  bytes?: Uint8Array;
}

interface TestedWeight {
  rows: readonly TestedRow[];
  weightOf: (weights: ModelWeights) => Weight;
}

/**
 * Compares what a GPU computes from the uploaded weights with what TypeScript computes from the file's: some drivers give wrong numbers without a
 * word. Each type of tensor in the file is tested by one weight, at its first, middle and last rows.
 */
export class SelfTest {
  readonly #products: readonly TestedWeight[];
  readonly #embedding: readonly TestedRow[];
  readonly #head: readonly TestedRow[];

  constructor(file: ModelFile, config: ModelConfig) {
    const { layers, embedding, head } = findTensors(file, config);
    const stacks = layers.flatMap((layer, index) => [
      stack([layer.attentionOutput], (weights) => weights.layers[index]?.attentionOutput),
      stack([layer.query, layer.key, layer.value], (weights) => weights.layers[index]?.qkv),
      stack([layer.down], (weights) => weights.layers[index]?.down),
      stack([layer.gate, layer.up], (weights) => weights.layers[index]?.gateUp),
    ]);
    const types = new Set<TensorType>();
    this.#products = stacks.filter(({ rows }) => {
      const before = types.size;
      for (const { tensor } of rows) types.add(tensor.type);
      return types.size > before;
    });
    this.#embedding = rowsOf(embedding, 0);
    this.#head = head ? rowsOf(head, 0) : this.#embedding;
  }

  /** A source that reads as `source` does and keeps a copy of the rows that will be compared. */
  watch(source: ByteSource): ByteSource {
    const rows = [...this.#products.flatMap((product) => product.rows), ...this.#embedding, ...this.#head];
    return {
      size: source.size,
      read: async (offset, length) => {
        const bytes = await source.read(offset, length);
        for (const row of rows) {
          const end = row.offset + rowByteLength(row.tensor.type, columnsOf(row));
          if (row.offset >= offset && end <= offset + length) row.bytes = bytes.slice(row.offset - offset, end - offset);
        }
        return bytes;
      },
    };
  }

  /**
   * Multiplies each tested weight with one row and with three, looks up embeddings, and compares: one submit and one read-back.
   * @throws LongtabError `self-test-failed`, `device-lost`.
   */
  async checkProducts({ gpu, model, recorder }: WebGpuBackend): Promise<void> {
    const weights = this.#products.map(({ weightOf }) => weightOf(model.weights));
    const columns = Math.max(...weights.map((weight) => weight.columns));
    const inputs = Float32Array.from({ length: testedTokens * columns }, (_, index) => randomBits(index, 0, 0) / 2 ** 31 - 1);
    const ids = Uint32Array.from(this.#embedding, ({ row }) => row);
    const places = new Places();
    const outputs = weights.map(({ stride }) => ({ one: places.take(stride), many: places.take(testedTokens * stride) }));
    const embedded = places.take(ids.length * model.weights.embedding.columns);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const x = gpu.createBuffer("self-test inputs", inputs.byteLength, usage);
    const tokens = gpu.createBuffer("self-test ids", ids.byteLength, usage);
    const y = gpu.createBuffer("self-test outputs", places.bytes, usage | GPUBufferUsage.COPY_SRC);
    try {
      gpu.device.queue.writeBuffer(x, 0, inputs);
      gpu.device.queue.writeBuffer(tokens, 0, ids);
      recorder.submit((step) => {
        const uniform = step.uniform(Uint32Array.of(testedTokens, 0, 1, 1, model.attention.shape.headSize));
        for (const [index, weight] of weights.entries()) {
          const { one, many } = outputs[index] as { one: Place; many: Place };
          matmul(step, model.tuning, { weight, x, y: { buffer: y, ...one }, rows: 1, step: uniform });
          matmul(step, model.tuning, { weight, x, y: { buffer: y, ...many }, rows: testedTokens, step: uniform });
        }
        const table = model.weights.embedding;
        embed(step, { table, ids: tokens, y: { buffer: y, ...embedded }, rows: ids.length, step: uniform });
      });
      const results = await readBuffer(gpu, y);
      for (const [index, { rows }] of this.#products.entries()) {
        const { one, many } = outputs[index] as { one: Place; many: Place };
        const stride = weights[index]?.stride ?? 0;
        for (const row of rows) {
          checkProduct(row, inputs, numbersAt(results, one)[row.at]);
          for (let token = 0; token < testedTokens; token++) {
            const input = inputs.subarray(token * columnsOf(row), (token + 1) * columnsOf(row));
            checkProduct(row, input, numbersAt(results, many)[token * stride + row.at]);
          }
        }
      }
      checkEmbedding(this.#embedding, numbersAt(results, embedded));
    } finally {
      for (const buffer of [x, tokens, y]) gpu.destroyBuffer(buffer);
    }
  }

  /** The logits [V] of a step must be the head's product with the normed hidden state [D]. @throws LongtabError `self-test-failed`. */
  checkHead(normed: Float32Array, logits: Float32Array): void {
    for (const row of this.#head) checkProduct(row, normed, logits[row.at]);
  }

  /** A token must have the same logits when it runs alone as among others. @throws LongtabError `self-test-failed`. */
  checkPaths(alone: Float32Array, together: Float32Array): void {
    let [sum, squares, largest] = [0, 0, 0];
    for (const [id, logit] of alone.entries()) {
      sum += logit;
      squares += logit ** 2;
      // Math.max keeps a NaN.
      largest = Math.max(largest, Math.abs(logit - (together[id] ?? NaN)));
    }
    const deviation = Math.sqrt(squares / alone.length - (sum / alone.length) ** 2);
    fail("a token's logits depend on the tokens that run with it", largest / deviation, logitTolerance);
  }
}

interface Place {
  offset: number;
  size: number;
}

/** Places of f32 arrays in one buffer, each where a binding may begin. */
class Places {
  bytes = 0;

  take(length: number): Place {
    const place = { offset: this.bytes, size: length * 4 };
    this.bytes = Math.ceil((this.bytes + place.size) / 256) * 256;
    return place;
  }
}

function numbersAt(results: ArrayBuffer, { offset, size }: Place): Float32Array {
  return new Float32Array(results, offset, size / 4);
}

function stack(parts: readonly TensorInfo[], weightOf: (weights: ModelWeights) => Weight | undefined): TestedWeight {
  let first = 0;
  const rows: TestedRow[] = [];
  for (const part of parts) {
    rows.push(...rowsOf(part, first));
    first += part.shape[0] ?? 0;
  }
  return {
    rows,
    weightOf: (weights) => {
      const weight = weightOf(weights);
      if (!weight) throw new RangeError(`no weight for ${parts[0]?.name}`);
      return weight;
    },
  };
}

function rowsOf(tensor: TensorInfo, first: number): TestedRow[] {
  const [count = 0, columns = 0] = tensor.shape;
  const rows = new Set([0, Math.floor(count / 2), count - 1]);
  return Array.from(rows, (row) => ({
    tensor,
    row,
    at: first + row,
    offset: tensor.offset + row * rowByteLength(tensor.type, columns),
  }));
}

function columnsOf({ tensor }: TestedRow): number {
  return tensor.shape[1] ?? 0;
}

function weightsOf(row: TestedRow): Float32Array {
  if (!row.bytes) throw new RangeError(`row ${row.row} of ${row.tensor.name} was not read`);
  const weights = new Float32Array(columnsOf(row));
  dequantise(row.tensor.type, row.bytes, weights);
  return weights;
}

function checkProduct(row: TestedRow, input: Float32Array, found: number | undefined): void {
  let [sum, magnitude] = [0, 0];
  for (const [column, weight] of weightsOf(row).entries()) {
    const product = weight * (input[column] ?? NaN);
    sum += product;
    magnitude += Math.abs(product);
  }
  const error = Math.abs((found ?? NaN) - sum) / (magnitude || 1);
  fail(`a product with ${row.tensor.name} (${row.tensor.type}) is wrong`, error, productTolerance);
}

function checkEmbedding(rows: readonly TestedRow[], found: Float32Array): void {
  for (const [index, row] of rows.entries()) {
    const weights = weightsOf(row);
    let [largest, error] = [0, 0];
    for (const [column, weight] of weights.entries()) {
      largest = Math.max(largest, Math.abs(weight));
      error = Math.max(error, Math.abs(weight - (found[index * weights.length + column] ?? NaN)));
    }
    fail(`the embedding in ${row.tensor.name} (${row.tensor.type}) is wrong`, error / (largest || 1), embeddingTolerance);
  }
}

/** Throws unless `error` is a number up to `limit`. */
function fail(what: string, error: number, limit: number): void {
  if (error <= limit) return;
  throw new LongtabError({
    code: "self-test-failed",
    what: `The graphics card does not compute what it should: ${what}`,
    value: Number.isNaN(error) ? "not a number" : Number(error.toPrecision(3)),
    limit,
    remedy: "update the browser and the graphics driver, or run the model on the processor",
  });
}
