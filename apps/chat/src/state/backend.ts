import { computed, effect, signal, untracked } from "@preact/signals";
import type { BackendChoice } from "../longtab.ts";
import { generation } from "./generation.ts";
import { availability, checkAvailability, closeModel, loadedModel, loadModel, modelState } from "./model.ts";
import { changeSettings, settings } from "./settings.ts";

/** A move to another backend that waits for the answer under way. */
const waitingMove = signal<BackendChoice | null>(null);
/** True while the model runs on the processor only because the graphics card was not to be had when it was loaded. */
const missesGpu = signal(false);

/** A graphics card that has come, or come back, since the model was loaded without it: offered, never forced. */
export const offersGpu = computed(() => {
  const found = availability.value;
  if (!missesGpu.value || found === null || found.state === "unavailable") return false;
  const { backend } = settings.value;
  // Who chose a graphics card wants one that a processor plays, too.
  return backend === "auto" ? found.backend === "webgpu" : backend === "webgpu" && found.adapter !== "";
});

/** While the model runs on the processor for want of a graphics card, the page looks for one when the person comes back to it, so often at most. */
const LOOK_EVERY_MS = 30_000;

/** From now on models run there. The loaded one moves when the answer under way has ended; its conversation goes on. */
export function runOn(backend: BackendChoice): void {
  changeSettings({ backend });
  waitingMove.value = backend;
}

/** Goes on without the graphics card that failed. The setting stays: the next start may try it again. */
export async function continueOnProcessor(): Promise<void> {
  await loadModel("cpu");
  if (loadedModel.peek() === null) return;
  missesGpu.value = true;
  await checkAvailability();
}

/** Takes the graphics card that is offered. */
export function useGpu(): void {
  waitingMove.value = settings.peek().backend;
}

export function startBackends(): void {
  effect(() => {
    const backend = waitingMove.value;
    if (backend === null || generation.value !== null) return;
    waitingMove.value = null;
    untracked(() => void move(backend));
  });
  effect(() => {
    const model = loadedModel.value?.model;
    const found = availability.peek();
    missesGpu.value = model?.backend === "cpu" && found !== null && found.state !== "unavailable" && found.backend === "cpu";
  });
  let lookedAt = performance.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !missesGpu.peek() || performance.now() - lookedAt < LOOK_EVERY_MS) return;
    lookedAt = performance.now();
    void checkAvailability();
  });
}

async function move(backend: BackendChoice): Promise<void> {
  const state = modelState.peek();
  if (state.at !== "ready" && state.at !== "loading") return;
  const found = availability.peek();
  const target = backend !== "auto" ? backend : found !== null && found.state !== "unavailable" ? found.backend : undefined;
  if (state.at === "ready" && state.loaded.model.backend === target) return;
  await closeModel();
  await loadModel(backend);
}
