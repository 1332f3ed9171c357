import { effect, signal, untracked } from "@preact/signals";
import { generation } from "./generation.ts";
import { closeModel, loadModel, modelState } from "./model.ts";
import { changeSettings, type Context, settings } from "./settings.ts";

/** True while a change waits for the answer under way. */
const waiting = signal(false);

/** From now on conversations are remembered so. The loaded model is loaded anew when the answer under way has ended; its conversation goes on. */
export function rememberBy(context: Context): void {
  changeSettings({ context });
  waiting.value = true;
}

export function startMemory(): void {
  effect(() => {
    if (!waiting.value || generation.value !== null) return;
    waiting.value = false;
    untracked(() => void reload());
  });
}

async function reload(): Promise<void> {
  const state = modelState.peek();
  if (state.at !== "ready" && state.at !== "loading") return;
  const { context, backend } = settings.peek();
  if (state.at === "ready" && state.loaded.model.context.policy === context) return;
  // A model that went on without its graphics card stays where it is.
  const place = state.at === "ready" && state.loaded.model.backend === "cpu" ? "cpu" : backend;
  await closeModel();
  await loadModel(place);
}
