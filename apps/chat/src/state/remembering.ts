import { computed } from "@preact/signals";
import { settingsHere } from "./conversation-settings.ts";
import { closeModel, loadModel, modelState } from "./model.ts";
import { settings } from "./settings.ts";

/** True where no model is loaded, or the loaded one remembers as the conversation on screen wants it; else it must be loaded anew. */
export const remembersAsHere = computed(() => {
  const state = modelState.value;
  if (state.at !== "ready") return true;
  return state.context === settingsHere.value.context && state.memoryBudget === settings.value.memoryBudget;
});

/**
 * Loads the model anew as the conversation on screen wants it, where that differs; what is stored is not downloaded again. Calls back when
 * the load has begun.
 */
export async function reloadForHere(onBegin: () => void = () => undefined): Promise<void> {
  const state = modelState.peek();
  if ((state.at !== "ready" && state.at !== "loading") || (state.at === "ready" && remembersAsHere.peek())) return;
  // A model that went on without its graphics card stays where it is.
  const place = state.at === "ready" && state.loaded.model.backend === "cpu" ? "cpu" : settings.peek().backend;
  await closeModel();
  const loading = loadModel(place);
  onBegin();
  await loading;
}
