import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { type CatalogueEntry, Longtab, type StoredModel } from "../longtab.ts";
import { isStoredCopy, refreshStorage, storedModels } from "../state/model.ts";
import { byFamily } from "../state/model-families.ts";
import { planModels } from "../state/model-plans.ts";
import { Sheet } from "./dialog.tsx";
import { ModelRow } from "./model-row.tsx";
import { OtherWays } from "./other-model.tsx";
import { StorageBar } from "./storage-bar.tsx";

/** Every model that can be had here, by family: what it takes, whether it fits, and what is stored of it. */
export function ModelsDialog(): JSX.Element {
  const stored = storedModels.value;
  const families = useMemo(() => byFamily(Longtab.catalogue, stored, isCopyOf), [stored]);
  useEffect(() => void refreshStorage(), []);
  useEffect(() => void planModels(families.flatMap(({ models }) => models)), [families]);
  return (
    <Sheet name="models" title="Models">
      {families.map(({ name, models }) => (
        <section key={name} class="family">
          <h3>{name}</h3>
          <ul class="models">
            {models.map((model) => (
              <ModelRow key={model.id} model={model} />
            ))}
          </ul>
        </section>
      ))}
      <section class="group">
        <h3>Another model</h3>
        <OtherWays />
      </section>
      <StorageBar />
    </Sheet>
  );
}

function isCopyOf(stored: StoredModel, entry: CatalogueEntry): boolean {
  return isStoredCopy(stored, { reference: entry.id, name: entry.name, entry });
}
