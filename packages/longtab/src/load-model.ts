import { LongtabError } from "@longtab/errors";
import { Engine, defaultSampling, loadWebGpuBackend } from "@longtab/engine";
import { BlobSource, parseGguf } from "@longtab/formats";
import type { ByteSource, ModelFile } from "@longtab/formats";
import { openDevice } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { planLoad } from "@longtab/model";
import { Tokenizer } from "@longtab/tokenizer";
import { WeightStore } from "@longtab/weights";
import type { LoadProgress, ModelInfo } from "./api.ts";
import { findCatalogueEntry } from "./catalogue.ts";
import { PhaseProgress } from "./phase-progress.ts";
import type { LoadRequest } from "./protocol.ts";
import { weightsRequest } from "./weights-request.ts";

export interface LoadedEngine {
  engine: Engine;
  info: ModelInfo;
  lost: Promise<Error>;
}

/**
 * From a reference to an engine, in the order in which things can go wrong cheaply: the GPU before the download, the header before the weights.
 * @throws LongtabError of every layer below.
 */
export async function loadModel(request: LoadRequest, onProgress: (progress: LoadProgress) => void): Promise<LoadedEngine> {
  const gpu = await openDevice();
  const lost = gpu.lost.then((error) => Promise.reject(error));
  try {
    return await Promise.race([loadOn(gpu, request, onProgress), lost]);
  } catch (error) {
    gpu.dispose();
    throw error;
  }
}

async function loadOn(gpu: Gpu, request: LoadRequest, onProgress: (progress: LoadProgress) => void): Promise<LoadedEngine> {
  const progress = new PhaseProgress(onProgress);
  const weights = await openWeights(gpu, request, ({ phase, loaded, total }) => progress.report(phase, loaded, total));
  const { id, source, file, tokenizer } = weights;
  const backend = await loadWebGpuBackend(gpu, file, source, {
    contextLength: request.contextLength,
    onProgress: ({ phase, loaded, total }) => progress.report(phase, loaded, total),
  });
  const { config } = backend.plan;
  const info: ModelInfo = {
    id,
    name: config.name,
    architecture: config.architecture,
    parameters: config.parameters,
    quantisation: config.quantisation,
    contextLength: backend.contextLength,
    trainedContextLength: config.contextLength,
    adapter: adapterName(gpu),
    softwareAdapter: gpu.report.software,
    sampling: recommendedSampling(id),
    memory: backend.memory(),
  };
  return { engine: new Engine(backend, tokenizer), info, lost: backend.lost };
}

/** What a model file says of itself: enough to know that it will run. */
interface Header {
  file: ModelFile;
  tokenizer: Tokenizer;
}

interface Weights extends Header {
  id: string;
  source: ByteSource;
}

/** @throws LongtabError for what is not a model, is one that Longtab does not know, or is too large for the device. */
async function readHeader(gpu: Gpu, source: ByteSource, { contextLength }: LoadRequest): Promise<Header> {
  const file = await parseGguf(source);
  const tokenizer = Tokenizer.fromMetadata(file.metadata);
  planLoad(file, { contextLength, limits: gpu.report.limits });
  return { file, tokenizer };
}

type OnProgress = (progress: Pick<LoadProgress, "phase" | "loaded" | "total">) => void;

async function openWeights(gpu: Gpu, request: LoadRequest, onProgress: OnProgress): Promise<Weights> {
  const { model, modelBase } = request;
  if (typeof model !== "string") {
    const inPlace = new BlobSource(model);
    // What cannot run is refused before it is stored.
    const header = await readHeader(gpu, inPlace, request);
    return { ...header, ...(await keepFile(model, inPlace, onProgress)) };
  }
  const store = await WeightStore.open();
  // Ids of files that were imported earlier are not references that anything could be fetched from.
  const stored = (await store.list()).find(({ id, complete }) => id === model && complete);
  const source = stored ? await store.openStored(model) : await store.fetch(weightsRequest(model, modelBase), { onProgress });
  return { ...(await readHeader(gpu, source, request)), id: source.id, source };
}

/** Keeps a chosen file for the next visit; where it cannot be kept it is read in place. */
async function keepFile(file: File, inPlace: ByteSource, onProgress: OnProgress): Promise<{ id: string; source: ByteSource }> {
  try {
    const source = await (await WeightStore.open()).importFile(file, { onProgress });
    return { id: source.id, source };
  } catch (error) {
    const { code } = LongtabError.from(error);
    if (code !== "quota-exceeded" && code !== "storage-unavailable") throw error;
    return { id: file.name, source: inPlace };
  }
}

function recommendedSampling(id: string): ModelInfo["sampling"] {
  const { temperature, topK: top_k, topP: top_p, minP: min_p, repetitionPenalty: repetition_penalty } = defaultSampling;
  return { temperature, top_k, top_p, min_p, repetition_penalty, ...findCatalogueEntry(id)?.sampling };
}

function adapterName({ report }: Gpu): string {
  const { vendor, architecture, description } = report;
  return description || [vendor, architecture].filter(Boolean).join(" ") || "unknown adapter";
}
