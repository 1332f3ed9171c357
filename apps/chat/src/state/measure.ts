import { type CalibrationProgress, Longtab } from "../longtab.ts";
import { choice, closeModel, expectedBackend, loadModel, MODEL_BASE, modelState } from "./model.ts";
import { announce } from "./notices.ts";
import { dialog } from "./page.ts";
import { toProblem, wasAborted } from "./problems.ts";
import { settings } from "./settings.ts";

/** Measures which parts of the chosen model need only the beginning and the end, and loads it so. It can be cancelled; then nothing changes. */
export async function measureModel(): Promise<void> {
  await closeModel();
  const controller = new AbortController();
  const { signal } = controller;
  const cancel = (): void => controller.abort();
  const backend = settings.peek().backend;
  const show = (progress: CalibrationProgress | null): void => {
    if (!signal.aborted) modelState.value = { at: "measuring", progress, cancel };
  };
  show(null);
  dialog.value = null;
  announce(`Measuring ${choice.peek().name}`);
  try {
    await Longtab.models.calibrate(choice.peek().reference, { backend, modelBase: MODEL_BASE, signal, onMeasure: show });
  } catch (error) {
    if (!wasAborted(error)) {
      modelState.value = { at: "failed", problem: toProblem(error), backend: expectedBackend.peek() };
      return;
    }
  }
  // Another model may have been chosen meanwhile, which cancelled this.
  const state = modelState.peek();
  if (state.at !== "measuring" || state.cancel !== cancel) return;
  modelState.value = { at: "idle" };
  await loadModel();
}
