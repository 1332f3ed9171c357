import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { askToPersist, storage, storedModels } from "../state/model.ts";
import { formatBytes } from "../text/format.ts";

/** What this page has stored in the browser, and how long the browser promises to keep it. */
export function StorageBar(): JSX.Element | null {
  const estimate = storage.value;
  if (estimate === null || estimate.quota === 0) return null;
  const models = storedModels.value.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  // The browser counts roughly: it may say less than what is known to be there.
  const other = Math.max(0, estimate.usage - models);
  const free = Math.max(0, estimate.quota - models - other);
  const parts = [
    { kind: "models", name: "Models", bytes: models },
    { kind: "other", name: "Conversations and the page", bytes: other },
    { kind: "free", name: "Free, of what the browser grants", bytes: free },
  ];
  const whole = models + other + free;
  return (
    <section class="group">
      <h3>Storage</h3>
      <div class="storage-bar" aria-hidden="true">
        {parts.map(
          ({ kind, bytes }) => bytes > 0 && <i key={kind} class={`storage-${kind}`} style={{ width: `${(bytes / whole) * 100}%` }} />,
        )}
      </div>
      <dl class="storage-legend">
        {parts.map(({ kind, name, bytes }) => (
          <div key={kind}>
            <dt>
              <i class={`swatch storage-${kind}`} />
              {name}
            </dt>
            <dd>{formatBytes(bytes)}</dd>
          </div>
        ))}
      </dl>
      <Persistence persisted={estimate.persisted} />
    </section>
  );
}

function Persistence({ persisted }: { persisted: boolean }): JSX.Element {
  const refused = useSignal(false);
  if (persisted) return <p class="hint">The browser keeps all this until you delete it.</p>;
  return (
    <div class="other-file">
      <p class="hint">
        The browser may delete all this, conversations too, when the disk runs full.
        {refused.value && " It did not promise to keep it: installing the page, or visiting it more often, can change that."}
      </p>
      {!refused.value && (
        <button type="button" class="button" onClick={() => void askToPersist().then((granted) => (refused.value = !granted))}>
          Ask it to keep everything
        </button>
      )}
    </div>
  );
}
