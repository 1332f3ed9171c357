import type { AwayPlaces } from "@longtab/attention";
import { LongtabError } from "@longtab/errors";
import { Engine, defaultSampling } from "@longtab/engine";
import type { Backend } from "@longtab/engine";
import { BlobSource, parseGguf } from "@longtab/formats";
import type { ByteSource, ModelFile } from "@longtab/formats";
import { cacheShape, readConfig } from "@longtab/model";
import { fetchPart } from "@longtab/origin";
import type { Tokenizer } from "@longtab/tokenizer";
import { loadTokenizer } from "@longtab/tokenizer/lazy";
import { WeightStore } from "@longtab/weights";
import type { LoadProgress, ModelInfo } from "./api.ts";
import { findCatalogueEntry } from "./catalogue.ts";
import { checkMemoryBudget, chooseContext, describeContext } from "./context-choice.ts";
import type { ContextChoice } from "./context-choice.ts";
import { knownHeadMaps } from "./head-maps.ts";
import { PhaseProgress } from "./phase-progress.ts";
import { fingerprint } from "./fingerprint.ts";
import { Placement } from "./placement.ts";
import type { LoadRequest } from "./protocol.ts";
import { weightsRequest } from "./weights-request.ts";

export interface LoadedEngine {
  engine: Engine;
  info: ModelInfo;
  /** Of the weights. */
  fingerprint: string;
  lost: Promise<Error>;
}

/**
 * From a reference to an engine, in the order in which things can go wrong cheaply: the device before the download, the header before the
 * weights.
 * @throws LongtabError of every layer below.
 */
export async function loadModel(request: LoadRequest, onProgress: (progress: LoadProgress) => void): Promise<LoadedEngine> {
  checkMemoryBudget(request.memoryBudget);
  const placement = await Placement.find(request.backend ?? "auto", { prefill: request.prefill });
  try {
    return await Promise.race([loadAt(placement, request, onProgress), placement.lost]);
  } catch (error) {
    placement.dispose();
    throw error;
  }
}

async function loadAt(placement: Placement, request: LoadRequest, onProgress: (progress: LoadProgress) => void): Promise<LoadedEngine> {
  const progress = new PhaseProgress(onProgress);
  const report: OnProgress = ({ phase, loaded, total }) => progress.report(phase, loaded, total, placement.decision.backend);
  const { id, source, file, tokenizer, context, mark } = await openWeights(placement, request, report);
  const { contextLength, memoryBudget } = request;
  const { policy = "auto" } = context.options;
  const away = (policy === "auto" || policy === "far") && request.away !== false ? findAwayPlaces : undefined;
  const planned = { contextLength, memoryBudget, context: context.options };
  const backend = await placement.load(file, source, { ...planned, away, onProgress: report });
  return {
    engine: new Engine(backend, tokenizer),
    info: { ...describe(id, file, backend, placement), context: describeContext(backend, context.headMap) },
    fingerprint: mark,
    lost: backend.lost,
  };
}

async function findAwayPlaces(): Promise<AwayPlaces> {
  return (await fetchPart("The part of Longtab that moves conversations to disk", async () => import("./away-disk.ts"))).findAwayPlaces();
}

function describe(id: string, file: ModelFile, backend: Backend, placement: Placement): Omit<ModelInfo, "context"> {
  const { name, architecture, parameters, quantisation, contextLength } = readConfig(file);
  return {
    id,
    name,
    architecture,
    parameters,
    quantisation,
    contextLength: backend.contextLength,
    trainedContextLength: contextLength,
    ...placement.describe(backend),
    sampling: recommendedSampling(id),
  };
}

/** What a model file says of itself: enough to know that it will run. */
interface Header {
  file: ModelFile;
  tokenizer: Tokenizer;
  context: ContextChoice;
  /** Of the weights. */
  mark: string;
}

interface Weights extends Header {
  id: string;
  source: ByteSource;
}

/** @throws LongtabError for what is not a model, is one that Longtab does not know, or is too large for the device. */
async function readHeader(
  placement: Placement,
  source: ByteSource,
  { contextLength, memoryBudget, context: wanted }: LoadRequest,
): Promise<Header> {
  const file = await parseGguf(source);
  const tokenizer = await loadTokenizer(file.metadata);
  const mark = await fingerprint(source);
  const config = readConfig(file);
  const shape = cacheShape(config);
  const context = await chooseContext(wanted, shape, knownHeadMaps(mark, config.name, shape));
  await placement.plan(file, { contextLength, memoryBudget, context: context.options });
  return { file, tokenizer, context, mark };
}

type OnProgress = (progress: Pick<LoadProgress, "phase" | "loaded" | "total">) => void;

async function openWeights(placement: Placement, request: LoadRequest, onProgress: OnProgress): Promise<Weights> {
  const { model, modelBase } = request;
  if (typeof model !== "string") {
    const inPlace = new BlobSource(model);
    // What cannot run is refused before it is stored.
    const header = await readHeader(placement, inPlace, request);
    return { ...header, ...(await keepFile(model, inPlace, onProgress)) };
  }
  const store = await WeightStore.open();
  // Ids of files that were imported earlier are not references that anything could be fetched from.
  const stored = (await store.list()).find(({ id, complete }) => id === model && complete);
  const source = stored ? await store.openStored(model) : await store.fetch(weightsRequest(model, modelBase), { onProgress });
  return { ...(await readHeader(placement, source, request)), id: source.id, source };
}

/** Keeps a chosen file for the next visit; where it cannot be kept it is read in placement. */
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
