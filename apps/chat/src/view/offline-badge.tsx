import type { JSX } from "preact";
import { offline } from "../state/connection.ts";
import { storedChoice, storedModels } from "../state/model.ts";
import { dialog } from "../state/page.ts";
import { Icon } from "./icons.tsx";

/** In the header while nothing can be fetched, with what that means behind it. */
export function OfflineBadge(): JSX.Element | null {
  if (!offline.value) return null;
  const stored = storedModels.value.some(({ complete }) => complete);
  return (
    <>
      <button type="button" class="chip offline-badge" popovertarget="offline-words" title="Offline: what works">
        <Icon name="offline" size={18} />
        <span>Offline</span>
      </button>
      <section class="offline-words" id="offline-words" popover="auto" aria-label="Offline">
        <p>
          <strong>There is no connection.</strong>{" "}
          {stored
            ? "Nothing is missing: the models that are stored here answer as always, and your conversations are all here."
            : "Your conversations are all here. No model is stored on this device yet, so nothing can answer until one was downloaded."}
        </p>
        <p class="hint">Downloading another model waits for a connection. Adding a .gguf file of your own does not.</p>
      </section>
    </>
  );
}

/** With the offer of a model that cannot be fetched now. */
export function OfflineHint(): JSX.Element | null {
  if (!offline.value || storedChoice.value?.complete === true) return null;
  if (!storedModels.value.some(({ complete }) => complete)) {
    return <p class="hint">There is no connection: come back with one, or choose a .gguf file of your own.</p>;
  }
  return (
    <p class="hint">
      There is no connection, and this model is not stored here.{" "}
      <button type="button" class="text-button" onClick={() => (dialog.value = "models")}>
        Choose one that is
      </button>
    </p>
  );
}
