import { isLongtabError, LongtabError } from "@longtab/errors";
import type { ByteSource } from "@longtab/formats";
import type { CpuModel } from "./forward.ts";
import type { CpuHost } from "./host.ts";
import type { Products } from "./onnxruntime/index.ts";
import type { CpuLoadPlan } from "./plan.ts";

export interface PromptProductsOptions {
  host: CpuHost;
  threads: number;
  signal?: AbortSignal | undefined;
}

/** A model's products of a prompt's rows on ONNX Runtime, between activations that lie in the kernels' memory. */
export class PromptProducts {
  readonly #products: Products;

  private constructor(products: Products) {
    this.#products = products;
  }

  /** Reads the weights of every layer once more and hands them over. @throws LongtabError as `openProducts` does. */
  static async open(plan: CpuLoadPlan, source: ByteSource, { host, threads, signal }: PromptProductsOptions): Promise<PromptProducts> {
    const imported = Promise.all([import("./onnxruntime/index.ts"), host.onnxRuntime()]);
    const [{ openProducts, stackedMatrix }, runtime] = await imported.catch((cause: unknown) => Promise.reject(unfetched(cause)));
    const matrices = plan.tensors.layers.flatMap(({ query, key, value, attentionOutput, gate, up, down }, layer) => [
      stackedMatrix(`${layer} qkv`, source, [query, key, value]),
      stackedMatrix(`${layer} output`, source, [attentionOutput]),
      stackedMatrix(`${layer} gate|up`, source, [gate, up]),
      stackedMatrix(`${layer} down`, source, [down]),
    ]);
    return new PromptProducts(await openProducts(matrices, { host: runtime, threads, signal }));
  }

  /** Bytes that ONNX Runtime holds beside the kernels' memory. */
  get bytes(): number {
    return this.#products.bytes;
  }

  /** y f32 [rows, out] = x [rows, in] times the named matrix, or plus it; rows of x are `stride` apart. */
  async multiply({ heap }: CpuModel, name: string, x: number, rows: number, y: number, add = false, stride?: number): Promise<void> {
    const { rows: out, columns } = this.#products.shape(name);
    const inputs = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) inputs.set(heap.f32(x + row * (stride ?? columns) * 4, columns), row * columns);
    const outputs = new Float32Array(rows * out);
    await this.#products.run(name, inputs, outputs);
    const target = heap.f32(y, outputs.length);
    if (add) for (const [index, value] of outputs.entries()) target[index] = (target[index] ?? 0) + value;
    else target.set(outputs);
  }

  async dispose(): Promise<void> {
    await this.#products.dispose();
  }
}

/** The page's own scripts for it are fetched when they are first needed, and may not be had any more. */
function unfetched(cause: unknown): LongtabError {
  if (isLongtabError(cause)) return cause;
  return new LongtabError({
    code: "wasm-unavailable",
    what: "The scripts for ONNX Runtime could not be fetched",
    remedy: "reload the page, or do without it",
    cause,
  });
}
