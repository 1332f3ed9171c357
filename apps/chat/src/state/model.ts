import { computed, signal } from "@preact/signals";
import {
  type Availability,
  type BackendChoice,
  type BackendKind,
  type CalibrationProgress,
  type CatalogueEntry,
  type LoadedModel,
  type LoadPhase,
  type LoadProgress,
  Longtab,
  type ModelReference,
  type StorageEstimate,
  type StoredModel,
} from "../longtab.ts";
import type { Context } from "./chat-settings.ts";
import type { Problem } from "./conversation.ts";
import { settingsHere } from "./conversation-settings.ts";
import { announce, NOTICE_MS, notify } from "./notices.ts";
import { dialog } from "./page.ts";
import { toProblem, wasAborted } from "./problems.ts";
import { changeSettings, settings } from "./settings.ts";
import { formatBytes } from "../text/format.ts";

/** The model that the page is about: loaded, loading, or to be loaded by the one button. */
export interface Choice {
  reference: ModelReference;
  name: string;
  entry?: CatalogueEntry;
}

/** The latest progress of every phase that has begun. */
export type Phases = Partial<Record<LoadPhase, LoadProgress | undefined>>;

export type ModelState =
  | { at: "checking" }
  | { at: "unavailable"; reason: string; remedy: string }
  | { at: "idle" }
  | { at: "loading"; backend: BackendKind; phases: Phases; phase: LoadPhase | null; cancel: () => void }
  | { at: "measuring"; progress: CalibrationProgress | null; cancel: () => void }
  /** `context`, `memoryBudget`: what it was loaded with. */
  | { at: "ready"; loaded: LoadedModel; context: Context; memoryBudget: number | null }
  /** `backend`: where it ran, or was to run. */
  | { at: "failed" | "lost"; problem: Problem; backend: BackendKind };

export const modelState = signal<ModelState>({ at: "checking" });
export const choice = signal<Choice>(choiceFor(null, []));
export const storedModels = signal<StoredModel[]>([]);
export const storage = signal<StorageEstimate | null>(null);
export const availability = signal<Availability | null>(null);

/** The chosen model's bytes in this browser, wholly or in part. */
export const storedChoice = computed(() => storedModels.value.find((stored) => isStoredCopy(stored, choice.value)));
export const loadedModel = computed(() => (modelState.value.at === "ready" ? modelState.value.loaded : null));
/** Where the next load begins, as far as can be known before it. */
export const expectedBackend = computed<BackendKind>(() => {
  const { backend } = settings.value;
  if (backend !== "auto") return backend;
  return availability.value === null || availability.value.state === "unavailable" ? "webgpu" : availability.value.backend;
});

/** Where the page's own server keeps models. */
export const MODEL_BASE = new URL("./models/", document.baseURI).href;

/** What Longtab samples by where neither the person nor the catalogue says otherwise. */
const LIBRARY_SAMPLING = { temperature: 0.7, top_p: 0.95, top_k: 40, min_p: 0, repetition_penalty: 1 };
/** What an answer is sampled by where a setting is left to the model. */
export const ownSampling = computed(() => loadedModel.value?.model.sampling ?? { ...LIBRARY_SAMPLING, ...choice.value.entry?.sampling });

export function isStoredCopy(stored: StoredModel, { reference, entry }: Choice): boolean {
  return stored.id === reference || (entry !== undefined && (stored.id === entry.id || stored.id === entry.url));
}

function choiceFor(id: string | null, stored: readonly StoredModel[]): Choice {
  const entry = Longtab.catalogue.find((known) => known.id === id || known.url === id);
  if (entry !== undefined) return { reference: entry.id, name: entry.name, entry };
  const copy = stored.find((model) => model.id === id);
  if (copy !== undefined) return { reference: copy.id, name: copy.name };
  const first = Longtab.catalogue[0];
  if (first === undefined) return { reference: "", name: "" };
  return { reference: first.id, name: first.name, entry: first };
}

/** Looks at the device and at what is stored; starts a stored model where the settings say so. */
export async function startModel(): Promise<void> {
  const checked = checkAvailability();
  await refreshStorage();
  choice.value = choiceFor(settings.peek().modelId, storedModels.peek());
  await checked;
  if (modelState.peek().at === "idle" && settings.peek().autoStart && storedChoice.peek()?.complete === true) await loadModel();
}

export async function checkAvailability(): Promise<void> {
  try {
    const found = await Longtab.availability();
    availability.value = found;
    if (found.state === "unavailable") modelState.value = { at: "unavailable", reason: found.reason, remedy: found.remedy };
    else if (modelState.peek().at === "checking" || modelState.peek().at === "unavailable") modelState.value = { at: "idle" };
  } catch (error) {
    modelState.value = { at: "failed", problem: toProblem(error), backend: expectedBackend.peek() };
  }
}

/** The lists and sums that the page shows of stored models. Without storage they are empty. */
export async function refreshStorage(): Promise<void> {
  try {
    const [stored, estimate] = await Promise.all([Longtab.models.list(), Longtab.models.estimate()]);
    storedModels.value = stored.filter(({ id }) => !leaving.has(id));
    const freed = stored.reduce((sum, { id, storedBytes }) => sum + (leaving.has(id) ? storedBytes : 0), 0);
    storage.value = { ...estimate, usage: Math.max(0, estimate.usage - freed) };
  } catch {
    storedModels.value = [];
    storage.value = null;
  }
}

/** Loads another model in place of the present one. */
export async function chooseModel(next: Choice): Promise<void> {
  await closeModel();
  choice.value = next;
  await loadModel();
}

export function chooseStored(stored: StoredModel): Promise<void> {
  return chooseModel(choiceFor(stored.id, [stored]));
}

export function chooseFile(file: File): Promise<void> {
  return chooseModel({ reference: file, name: file.name });
}

/** Frees the loaded model's memory, or stops the load under way. */
export async function closeModel(): Promise<void> {
  const state = modelState.peek();
  if (state.at === "loading" || state.at === "measuring") state.cancel();
  if (state.at === "unavailable" || state.at === "checking") return;
  modelState.value = { at: "idle" };
  if (state.at === "ready") await state.loaded.dispose();
}

/**
 * Loads the chosen model, where the settings say or, this once, on another backend. What it downloads is kept, whether it ends, is cancelled
 * or fails.
 */
export async function loadModel(backend: BackendChoice = settings.peek().backend): Promise<void> {
  const { at } = modelState.peek();
  if (at === "loading" || at === "ready" || at === "measuring") return;
  const controller = new AbortController();
  const { signal: aborted } = controller;
  const { context } = settingsHere.peek();
  const { memoryBudget } = settings.peek();
  const first = backend === "auto" ? expectedBackend.peek() : backend;
  const loading: ModelState = { at: "loading", backend: first, phases: {}, phase: null, cancel: () => controller.abort() };
  modelState.value = loading;
  // Progress is shown on the page, behind any sheet.
  dialog.value = null;
  announce(`Loading ${choice.peek().name}`);
  await deleteLeaving();
  // Needs a person's gesture where the browser asks one; that it may say no is shown in the storage bar.
  void Longtab.models.persist().catch(() => false);
  try {
    const loaded = await Longtab.load(choice.peek().reference, {
      backend,
      context,
      ...(memoryBudget !== null && { memoryBudget }),
      signal: aborted,
      modelBase: MODEL_BASE,
      onProgress: (progress) => {
        const state = modelState.peek();
        if (state.at !== "loading" || aborted.aborted) return;
        modelState.value = withProgress(state, progress);
      },
    });
    if (aborted.aborted) return await loaded.dispose();
    becomeReady({ at: "ready", loaded, context, memoryBudget });
  } catch (error) {
    // A load that was cancelled for another one leaves that one's state alone.
    const mine = modelState.peek();
    if (mine.at === "loading" && mine.cancel === loading.cancel) {
      modelState.value = wasAborted(error) ? { at: "idle" } : { at: "failed", problem: toProblem(error), backend: mine.backend };
    }
  }
  await refreshStorage();
  referToStoredCopy();
}

function withProgress(state: Extract<ModelState, { at: "loading" }>, progress: LoadProgress): ModelState {
  const { phase, backend } = progress;
  // Where the graphics card turned out not to do, what was moved to it is moved again.
  const phases = backend === state.backend ? state.phases : { ...state.phases, upload: undefined, shaders: undefined };
  return { ...state, backend, phase, phases: { ...phases, [phase]: progress } };
}

/** A file is loaded from the copy that was stored of it from then on: the file itself may move or change. */
function referToStoredCopy(): void {
  const id = loadedModel.peek()?.model.id;
  const stored = storedModels.peek().find((model) => model.id === id && model.complete);
  if (stored !== undefined && typeof choice.peek().reference !== "string") choice.value = { ...choice.peek(), reference: stored.id };
}

function becomeReady(ready: Extract<ModelState, { at: "ready" }>): void {
  modelState.value = ready;
  const { loaded } = ready;
  const { id, backend } = loaded.model;
  changeSettings({ modelId: id });
  announce(`${choice.peek().name} is ready`);
  void loaded.lost.then((error) => {
    const state = modelState.peek();
    if (state.at === "ready" && state.loaded === loaded) modelState.value = { at: "lost", problem: toProblem(error), backend };
  });
}

/** Stored models that are shown as deleted, and are in a moment: until then that can be taken back. */
const leaving = new Map<string, ReturnType<typeof setTimeout>>();

/** Deletes a stored model, with a way back for as long as the notice stands; the one that is loaded goes on working until it is closed. */
export async function deleteModel({ id, storedBytes }: StoredModel, name: string): Promise<void> {
  leaving.set(
    id,
    setTimeout(() => void deleteNow(id), NOTICE_MS),
  );
  await refreshStorage();
  notify(`${name} deleted, which frees ${formatBytes(storedBytes)}.`, () => {
    clearTimeout(leaving.get(id));
    leaving.delete(id);
    void refreshStorage();
  });
}

/** Makes room for a load; what is loaded now stays after all. */
async function deleteLeaving(): Promise<void> {
  const wanted = choice.peek();
  for (const id of leaving.keys()) {
    if (id === wanted.reference || id === wanted.entry?.id || id === wanted.entry?.url) {
      clearTimeout(leaving.get(id));
      leaving.delete(id);
    } else await deleteNow(id);
  }
}

async function deleteNow(id: string): Promise<void> {
  clearTimeout(leaving.get(id));
  await Longtab.models.delete(id).catch((error: unknown) => {
    const { what } = toProblem(error);
    notify(`The model could not be deleted. ${what}.`);
  });
  leaving.delete(id);
  await refreshStorage();
}

/** Asks the browser to keep what is stored; false where it does not promise that. */
export async function askToPersist(): Promise<boolean> {
  const granted = await Longtab.models.persist().catch(() => false);
  await refreshStorage();
  return granted;
}
