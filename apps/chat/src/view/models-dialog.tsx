import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { type CatalogueEntry, Longtab, type StoredModel } from "../longtab.ts";
import {
  chooseModel,
  chooseStored,
  closeModel,
  deleteModel,
  isStoredCopy,
  loadedModel,
  refreshStorage,
  storage,
  storedModels,
} from "../state/model.ts";
import { formatBytes, formatBytesOf } from "../text/format.ts";
import { Sheet } from "./dialog.tsx";
import { IconButton } from "./icons.tsx";
import { OtherModel } from "./model-card.tsx";

export function ModelsDialog(): JSX.Element {
  useEffect(() => void refreshStorage(), []);
  const known = Longtab.catalogue.filter((entry) => !storedModels.value.some((stored) => isStored(stored, entry)));
  return (
    <Sheet name="models" title="Models">
      <ul class="models">
        {storedModels.value.map((stored) => (
          <StoredRow key={stored.id} stored={stored} />
        ))}
        {known.map((entry) => (
          <li key={entry.id} class="model-row">
            <div>
              <strong>{entry.name}</strong>
              <p class="hint">{formatBytes(entry.size)} to download</p>
            </div>
            <button type="button" class="button" onClick={() => void chooseModel({ reference: entry.id, name: entry.name, entry })}>
              Load
            </button>
          </li>
        ))}
      </ul>
      <OtherModel />
      <StorageBar />
    </Sheet>
  );
}

const isStored = (stored: StoredModel, entry: CatalogueEntry) => isStoredCopy(stored, { reference: entry.id, name: entry.name, entry });

function StoredRow({ stored }: { stored: StoredModel }): JSX.Element {
  const asking = useSignal(false);
  const entry = Longtab.catalogue.find((known) => isStored(stored, known));
  const loaded = loadedModel.value?.model.id;
  const running = loaded !== undefined && (loaded === stored.id || loaded === entry?.id);
  const state = running ? "running" : stored.complete ? "stored" : `${formatBytesOf(stored.storedBytes, stored.size)} here`;
  return (
    <li class="model-row">
      <div>
        <strong>{entry?.name ?? stored.name}</strong>
        <p class="hint">
          {running && <i class="dot ready" />} {formatBytes(stored.complete ? stored.size : stored.storedBytes)} · {state}
        </p>
      </div>
      {asking.value ? (
        <>
          <button type="button" class="button danger" onClick={() => void deleteModel(stored.id)}>
            Delete {formatBytes(stored.storedBytes)}
          </button>
          <button type="button" class="button quiet" onClick={() => (asking.value = false)}>
            Keep
          </button>
        </>
      ) : (
        <>
          <button type="button" class="button" onClick={() => void (running ? closeModel() : chooseStored(stored))}>
            {running ? "Close" : stored.complete ? "Start" : "Continue"}
          </button>
          <IconButton icon="trash" label={`Delete ${entry?.name ?? stored.name}`} onClick={() => (asking.value = true)} />
        </>
      )}
    </li>
  );
}

function StorageBar(): JSX.Element | null {
  const estimate = storage.value;
  if (estimate === null || estimate.quota === 0) return null;
  const { usage, quota, persisted } = estimate;
  return (
    <section class="group">
      <h3>Storage</h3>
      <progress value={usage} max={quota} aria-label="Storage used" />
      <p class="hint">
        {formatBytes(usage)} used of the {formatBytes(quota)} that this browser grants.{" "}
        {persisted ? "The browser keeps it until you delete it." : "The browser may clear it when the disk runs full."}
      </p>
    </section>
  );
}
