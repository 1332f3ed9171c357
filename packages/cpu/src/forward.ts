import { entryWords, farFromAt, headWords } from "@longtab/attention";
import type { PageLooks, Selection } from "@longtab/attention";
import { LongtabError } from "@longtab/errors";
import type { ModelConfig } from "@longtab/model";
import { blockColumns } from "./forms.ts";
import type { Heap } from "./heap.ts";
import type { Kernels } from "./kernels.ts";
import { setPages } from "./kv/index.ts";
import type { LayerPointers, PageKind } from "./kv/index.ts";
import { readLooks } from "./looks.ts";
import type { PromptProducts } from "./prompt-products.ts";
import { looksWords, selectedEntries } from "./scratch.ts";
import type { Scratch } from "./scratch.ts";
import type { CpuWeights, LayerWeights, Weight } from "./weights.ts";

/** A model ready to run: weights and the activations between kernels, as pointers into the kernels' memory. */
export interface CpuModel {
  config: ModelConfig;
  /** What the pages of each layer are. */
  pages: readonly PageKind[];
  heap: Heap;
  kernels: Kernels;
  weights: CpuWeights;
  scratch: Scratch;
  threads: number;
  /** ONNX Runtime's products of many rows, where prefill runs on it. */
  products?: PromptProducts | undefined;
}

/** A step's tokens; `scratch.ids` and `scratch.rotations` are written. */
export interface ForwardInput {
  /** T, at most `maxStepTokens`. */
  tokens: number;
  /** Of the first token. */
  position: number;
  /** Query rotations of the step: sets of `scratch.rotations`. */
  rotations: number;
  /** The pages of layer `index`, this step's slots already given. */
  cache: (index: number) => LayerPointers;
  /** `turnWords` of pages by position, where far pages are met; else 0. */
  turns?: number;
  /** What a step of one row selects of its lists; left out where it reads them as they are. */
  selection?: Selection | undefined;
  /** What it ranks pages by, of layer `index`; pages that have boxes need none. */
  landmarks?: (index: number) => number;
  /** Takes what it says of the pages that it looked at of those that may be away, [layers x kvHeads]. */
  looks?: ((found: PageLooks[]) => void) | undefined;
  /** Whether it goes by what the step before it has selected. */
  selected?: boolean;
  /** u32 [pages by position], counts the runs selected of each; 0 where nobody asks. */
  hits?: number;
  /** Rows of a prompt: ONNX Runtime multiplies them where the model has it, and a row alone ranks all pages. */
  prompt: boolean;
  /** Logits of the last row, into row 0, or of every row (at most `maxLogitRows`). */
  logitsOf: "last" | "all" | "none";
}

/**
 * The forward pass: token ids in, logits out, into `scratch.logits`. Prefill and decode are this one function, and a row's bits do not
 * depend on which it is. Every call of a kernel is a job that the whole team does. Of a prompt's rows it yields after each layer, for the
 * caller to see to other things, and where ONNX Runtime's products must be waited for.
 * T tokens this step, D hidden, H query heads, G kv heads, E head size, F ffn, V vocabulary.
 */
export function* forward(model: CpuModel, input: ForwardInput): Generator<Promise<void> | undefined, void> {
  const { config, kernels, weights, scratch: s } = model;
  const { tokens, logitsOf } = input;
  const [table] = weights.embedding.parts;
  kernels.embed(table.tiles, table.bits, s.ids, tokens, config.hidden / blockColumns, s.x); // [T, D]
  for (const [index, layer] of weights.layers.entries()) {
    yield* forwardLayer(model, layer, index, input);
    if (input.prompt) yield undefined;
  }
  if (input.selection) input.looks?.(readLooks(model.heap, s.looks, config, input.selection));
  if (logitsOf === "none") return;
  const skipped = logitsOf === "last" ? tokens - 1 : 0; // prefill needs one row of logits, not T
  norm(model, s.x + skipped * config.hidden * 4, tokens - skipped, weights.outputNorm, weights.head);
  product(model, weights.head, tokens - skipped, s.logits); // [rows, V]
}

function* forwardLayer(
  model: CpuModel,
  layer: LayerWeights,
  index: number,
  input: ForwardInput,
): Generator<Promise<void> | undefined, void> {
  const { config, kernels, scratch: s } = model;
  const { tokens } = input;
  const { heads, headSize, ffn } = config;
  const products = input.prompt ? model.products : undefined;
  norm(model, s.x, tokens, layer.attentionNorm, layer.qkv);
  if (products) yield products.multiply(model, `${index} qkv`, s.normed, tokens, s.qkv);
  else product(model, layer.qkv, tokens, s.qkv); // [T, (H + 2G) E]
  attention(model, index, input); // [T, H E]
  const attended = layer.attentionOutput.inputs[0];
  kernels.quantise(s.attended, tokens, heads * headSize, s.inputs[attended], attended);
  if (products) yield products.multiply(model, `${index} output`, s.attended, tokens, s.x, true);
  else product(model, layer.attentionOutput, tokens, s.x, true); // x += [T, D]

  norm(model, s.x, tokens, layer.ffnNorm, layer.gateUp);
  if (products) yield products.multiply(model, `${index} gate|up`, s.normed, tokens, s.gateUp);
  else product(model, layer.gateUp, tokens, s.gateUp); // [T, 2F]
  const activated = layer.down.inputs[0];
  kernels.siluMul(s.gateUp, tokens, ffn, s.inputs[activated], activated); // [T, F], over the gate
  if (products) yield products.multiply(model, `${index} down`, s.gateUp, tokens, s.x, true, 2 * ffn);
  else product(model, layer.down, tokens, s.x, true); // x += [T, D]
}

/** Rotates queries and keys and stores this step's keys and values; attends over the lists of one layer; closes the pages that are complete. */
function attention(model: CpuModel, index: number, input: ForwardInput): void {
  const { config, pages, kernels, scratch: s, threads } = model;
  const { tokens, position, rotations, turns = 0 } = input;
  const { heads, kvHeads, headSize } = config;
  const cache = input.cache(index);
  const { slots, closings, closingCount } = cache;
  setPages(kernels, config, pages[index] as PageKind);
  kernels.append(s.qkv, s.rotations, rotations, tokens, heads, kvHeads, headSize, slots, s.queries);
  const lists = input.selection && tokens === 1 ? select(model, index, input, cache, input.selection) : cache;
  kernels.attend(
    s.queries,
    rotations,
    tokens,
    heads,
    kvHeads,
    headSize,
    position,
    lists.entries,
    lists.heads,
    lists.capacity,
    turns,
    s.attended,
    s.attention,
    threads,
  );
  if (closingCount > 0) kernels.close(closings, closingCount, headSize);
}

/** Lists of what the row's queries score best. */
function select(
  { config, kernels, scratch: s, threads }: CpuModel,
  index: number,
  { position, rotations, turns = 0, hits = 0, selected = false, landmarks, looks, prompt }: ForwardInput,
  { entries, heads: records, capacity: listed }: LayerPointers,
  selection: Selection,
): Pick<LayerPointers, "entries" | "heads" | "capacity"> {
  const { heads, kvHeads, headSize } = config;
  const { runs, runTokens } = selection;
  const capacity = selectedEntries(selection);
  const lists = {
    entries: s.selected + index * kvHeads * capacity * entryWords * 4,
    heads: s.selectedHeads + index * kvHeads * headWords * 4,
    capacity,
  };
  if (selected) return lists;
  const farFrom = Math.min(farFromAt(selection, position), 2 ** 31 - 1);
  kernels.select(
    s.queries,
    rotations,
    heads,
    kvHeads,
    headSize,
    position,
    entries,
    records,
    listed,
    runs,
    runTokens,
    farFrom,
    turns,
    lists.entries,
    lists.heads,
    capacity,
    hits,
    s.selection,
    threads,
    landmarks?.(index) ?? 0,
    looks ? s.looks + index * kvHeads * looksWords(selection) * 4 : 0,
    // A question looks for other things at every word, and what answers it is to be found at its last.
    Number(prompt),
  );
  return lists;
}

/** RMS norm of rows of x, quantised as `next`, which reads them, needs them. */
function norm({ config, kernels, scratch: s }: CpuModel, x: number, rows: number, weight: number, next: Weight): void {
  const [first, ...others] = next.inputs;
  kernels.norm(x, rows, config.hidden, s.inputs[first], first, weight, config.normEpsilon, s.normed);
  for (const bits of others) kernels.quantise(s.normed, rows, config.hidden, s.inputs[bits], bits);
}

function product({ kernels, scratch: s }: CpuModel, { parts, rows: stride, columns }: Weight, rows: number, y: number, add = false): void {
  for (const { tiles, bits, inputs, firstRow, rows: rowsOut } of parts)
    kernels.product(
      tiles,
      bits,
      s.inputs[inputs],
      inputs,
      y + firstRow * 4,
      rows,
      rowsOut,
      columns / blockColumns,
      stride,
      Number(add),
      s.product,
    );
}

/** Runs a pass that has nothing to wait for. */
export function finish(pass: ReturnType<typeof forward>): void {
  if (!pass.next().done) throw new LongtabError({ code: "internal", what: "A step that reads no prompt waits for ONNX Runtime" });
}
