import type { SerializedError } from "@longtab/errors";
import type { Summary } from "@longtab/engine";
import type {
  BackendChoice,
  CacheUsage,
  CalibrationProgress,
  ChatMessage,
  ContextOptions,
  ContextPlan,
  HeadMap,
  LoadProgress,
  ModelInfo,
  Passage,
  PolicyName,
  PrefillChoice,
  SamplingOptions,
  StoredModel,
} from "./api.ts";

/**
 * The worker's interface. Comlink exposes it and `Remote<WorkerApi>` is what the client calls. Progress and text do not travel as calls but on a
 * transferred port, in batches.
 */
export interface WorkerApi {
  /** Loads a model and keeps it; once in the life of a worker. */
  load(request: LoadRequest, events: MessagePort): Promise<ModelInfo>;
  /** Loads a model only to measure its heads; the worker is of no further use. */
  calibrate(request: LoadRequest, events: MessagePort): Promise<HeadMap>;
  /** Accepts a request: resolves when its prompt is valid and waits for its turn; what follows comes on the port, and ends with "end" or "error". */
  start(id: number, request: GenerateRequest, events: MessagePort): Promise<void>;
  /** Aborts a request; its port then says "error" with `aborted`. */
  cancel(id: number): void;
  countTokens(messages: ChatMessage[]): number;
  planContext(request: PlanRequest): Promise<ContextPlan>;
  /** Deletes what was kept of a session. */
  deleteSession(name: string): Promise<void>;
  listModels(): Promise<StoredModel[]>;
  deleteModel(id: string): Promise<void>;
  /** Resolves when the worker holds the lock, which it keeps until it ends. */
  holdLock(name: string): Promise<void>;
}

export interface LoadRequest {
  model: string | File;
  contextLength?: number;
  context?: PolicyName | ContextOptions;
  memoryBudget?: number;
  away?: boolean;
  modelBase?: string;
  backend?: BackendChoice;
  prefill?: PrefillChoice;
}

export interface PlanRequest {
  model: string;
  context?: PolicyName | ContextOptions;
  memoryBudget?: number;
}

export type LoadEvent =
  | { type: "progress"; progress: LoadProgress }
  | { type: "measure"; progress: CalibrationProgress }
  | { type: "lost"; error: SerializedError };

export interface GenerateRequest extends SamplingOptions {
  messages: ChatMessage[];
  maxTokens?: number;
  stop: string[];
  session?: string;
  /** The last message is an answer to go on with. */
  continued?: true;
}

export type GenerateEvent =
  | { type: "prefill"; done: number; total: number }
  | { type: "text"; text: string; tokens: number }
  | { type: "cache"; cache: CacheUsage }
  | { type: "end"; summary: GenerationSummary }
  | { type: "error"; error: SerializedError };

export interface GenerationSummary extends Summary {
  /** What is held after the request. */
  cache: CacheUsage;
  contextLength: number;
  /** Of the messages of the request. */
  retrieved: Passage[];
  forgotten: Passage[];
  far: Passage[];
}
