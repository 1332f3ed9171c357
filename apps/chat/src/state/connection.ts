import { computed, effect, signal } from "@preact/signals";
import { modelState } from "./model.ts";

/** The device's own word: false is certain, true means only that there is some network. */
const connected = signal(navigator.onLine);
/** False from a failed try until one that succeeds, or until the network changes. */
const reached = signal(true);

/** Nothing can be fetched now, as far as the page knows. */
export const offline = computed(() => !connected.value || !reached.value);

/** What a try to reach the network came to. */
export function noteReach(success: boolean): void {
  reached.value = success;
}

export function startConnection(): void {
  const look = (): void => {
    connected.value = navigator.onLine;
    reached.value = true;
  };
  addEventListener("online", look);
  addEventListener("offline", look);
  effect(() => {
    const state = modelState.value;
    if (state.at === "failed" && (state.problem.code === "offline" || state.problem.code === "network-failed")) noteReach(false);
    else if (state.at === "loading" && state.phase === "download" && (state.phases.download?.rate ?? 0) > 0) noteReach(true);
  });
}
