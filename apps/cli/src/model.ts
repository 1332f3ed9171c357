import { fileURLToPath } from "node:url";
import { shippedHeadMap } from "@longtab/attention";
import type { ContextOptions } from "@longtab/attention";
import { nodeHost } from "@longtab/cpu/node";
import { LongtabError } from "@longtab/errors";
import type { Backend } from "@longtab/engine";
import { parseGguf } from "@longtab/formats";
import type { ModelFile } from "@longtab/formats";
import { FileSource } from "@longtab/formats/node";
import { cacheShape, readConfig } from "@longtab/model";
import type { BackendChoice, PrefillChoice } from "longtab";
import { Placement } from "longtab/placement";
import { create, globals } from "webgpu";
import { contextOptions, readContext } from "./context.ts";
import type { ContextArguments } from "./context.ts";

export interface OpenedModel {
  file: ModelFile;
  backend: Backend;
  /** What it was opened with. */
  context: ContextOptions;
}

/** As `parseOptions` gives them. */
export interface PlaceArguments extends ContextArguments {
  backend?: string | undefined;
  threads?: number | undefined;
  prefill?: string | undefined;
  "context-length"?: number | undefined;
}

/** The options of every verb that runs a model. */
export const placeOptions = {
  backend: "string",
  threads: "number",
  prefill: "string",
  "context-length": "number",
  ...contextOptions,
} as const;

/** Dawn ends its devices when this object is collected. */
let gpu: Pick<GPU, "requestAdapter"> | undefined;

/** What far memory may move out of the model's own memory; there is no IndexedDB here. */
const awayBytes = 256 * 2 ** 20;

/** Compiled by scripts/build-kernels.mjs; as far from the sources as from the built program. */
const kernelsFolder = fileURLToPath(new URL("../../../packages/cpu/wasm", import.meta.url));

/** A file's header, with the reason in words when it cannot be opened. */
export async function openFile(path: string): Promise<{ source: FileSource; file: ModelFile }> {
  const source = await FileSource.open(path).catch((cause: unknown) => {
    throw new LongtabError({
      code: "model-not-found",
      what: `The file cannot be opened`,
      value: path,
      remedy: cause instanceof Error ? cause.message : "check the path",
      cause,
    });
  });
  try {
    return { source, file: await parseGguf(source) };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/**
 * Loads a model file where `backend` says: "auto", the default, takes a real graphics card, else the processor. Standard error is told, but for
 * `quiet` loads, which are one of many.
 */
export async function openModel(
  path: string,
  options: PlaceArguments,
  more: ContextOptions = {},
  { quiet = false }: { quiet?: boolean } = {},
): Promise<OpenedModel> {
  const { backend: name = "auto", threads, prefill = "auto", "context-length": contextLength } = options;
  const choice = toChoice(name);
  checkThreads(threads);
  checkPrefill(prefill);
  const { source, file } = await openFile(path);
  try {
    const context = { ...(await chooseContext(options, file)), ...more };
    if (choice !== "cpu") gpu ??= findGpu();
    const placement = await Placement.find(choice, { gpu, cpuHost: nodeHost(kernelsFolder), threads, prefill });
    await placement.plan(file, { contextLength, context });
    const backend = await placement.load(file, source, { contextLength, context, away: async () => ({ memory: awayBytes }) });
    if (quiet) return { file, backend, context };
    process.stderr.write(`${describe(placement.describe(backend))}\n`);
    if (context.policy?.startsWith("duo") && !context.headMap) process.stderr.write(`${withoutHeadMap}\n`);
    if (context.kv === "mixed" && backend.kvPrecision !== "mixed") process.stderr.write(`${withoutPrecision}\n`);
    return { file, backend, context };
  } finally {
    await source.close();
  }
}

/** What the command line says, with the head map that comes with the model where none is named. */
async function chooseContext(options: PlaceArguments, file: ModelFile): Promise<ContextOptions> {
  const config = readConfig(file);
  const shape = cacheShape(config);
  const context = await readContext(options, shape);
  return { ...context, headMap: context.headMap ?? (await shippedHeadMap(config.name, shape)) };
}

/** "Runs on the processor, as chosen. 2 threads, relaxed SIMD. Longtab's own kernels read the 4-bit weights as they are. ..." */
function describe({ backendReason, adapter, cpu, memory }: ReturnType<Placement["describe"]>): string {
  const { weights, scratch, kv, kvBudget } = memory;
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  return [
    backendReason,
    ...(cpu ? [`${cpu.threads} ${cpu.threads === 1 ? "thread" : "threads"}, ${cpu.simd} SIMD. ${cpu.prefill.reason}`] : [`${adapter}.`]),
    `${megabytes(weights + scratch + kv)} of memory, and up to ${megabytes(kvBudget)} for a full context.`,
  ].join(" ");
}

const withoutHeadMap =
  "There is no head map for this model, so every head retrieves, as with quest. To find the heads that may stream: " +
  "npm run longtab -- calibrate --model FILE --out map.json, then --head-map map.json.";

const withoutPrecision =
  "No head map says what precision each layer of this model needs, so all of them keep 8 bits, as with kv8. " +
  "Name one that does with --head-map, or choose a precision for all layers with --kv.";

/** WebGPU as Dawn offers it. LONGTAB_GPU=none: no adapter is looked for, as where a driver would end the process that asks. */
function findGpu(): Pick<GPU, "requestAdapter"> {
  if (process.env["LONGTAB_GPU"] === "none") return { requestAdapter: async () => null };
  Object.assign(globalThis, globals);
  return create([]);
}

function toChoice(name: string): BackendChoice {
  if (name === "auto" || name === "webgpu" || name === "cpu") return name;
  throw new LongtabError({
    code: "invalid-option",
    what: "There is no such backend",
    value: name,
    limit: "auto, webgpu or cpu",
    remedy: "leave --backend out",
  });
}

function checkPrefill(name: string): asserts name is PrefillChoice {
  if (name === "auto" || name === "own" || name === "onnxruntime") return;
  throw new LongtabError({
    code: "invalid-option",
    what: "--prefill does not know this engine",
    value: name,
    limit: "auto, own or onnxruntime",
    remedy: "leave it out for what is faster",
  });
}

function checkThreads(threads: number | undefined): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1)) return;
  throw new LongtabError({
    code: "invalid-option",
    what: "--threads takes a whole number of threads",
    value: threads,
    limit: "1 up to the number of cores",
    remedy: "leave it out for as many as there are cores",
  });
}
