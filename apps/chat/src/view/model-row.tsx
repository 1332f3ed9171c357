import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { StoredModel } from "../longtab.ts";
import { chooseModel, chooseStored, closeModel, deleteModel, loadedModel, storage } from "../state/model.ts";
import type { KnownModel } from "../state/model-families.ts";
import { deviceMemory, type Fit, judgeFit } from "../state/model-fit.ts";
import { modelPlans } from "../state/model-plans.ts";
import { formatAgo, formatBytes, formatBytesOf, formatParameters, formatWords } from "../text/format.ts";
import { Icon, IconButton, type IconName } from "./icons.tsx";

/** One model: what it is and takes, whether it fits this device, what is stored of it, and what can be done with it. */
export function ModelRow({ model }: { model: KnownModel }): JSX.Element {
  const { id, name, entry, stored } = model;
  const loaded = loadedModel.value?.model.id;
  const running = loaded !== undefined && (loaded === id || loaded === stored?.id);
  const plan = modelPlans.value.get(id);
  const fit = fitOf(model);
  return (
    <li class="model-row">
      <div class="model-what">
        <p class="model-name">
          <strong>{name}</strong> {running && <RunningMark />}
        </p>
        {entry !== undefined && <p class="hint">{entry.description}</p>}
        <p class="model-facts">
          {entry === undefined
            ? formatBytes(stored?.size ?? 0)
            : [
                formatBytes(entry.size),
                entry.quantisation,
                `${formatParameters(entry.parameters)} parameters`,
                `Licence ${entry.license}`,
              ].join(" · ")}
        </p>
        <FitLine fit={fit} />
        {plan !== undefined && (
          <p class="hint">
            Conversations: about {formatWords(plan.keeps)} in up to {formatBytes(plan.bytes)}
            {plan.endless ? ", and they never end." : "."}
          </p>
        )}
        <p class="hint">{stored === undefined ? `${formatBytes(entry?.size ?? 0)} to download` : storedWords(stored)}</p>
      </div>
      <RowActions model={model} running={running} fits={fit.verdict !== "too large"} />
    </li>
  );
}

function RunningMark(): JSX.Element {
  return (
    <span class="running">
      <i class="dot ready" /> loaded
    </span>
  );
}

function storedWords({ complete, storedBytes, size, lastUsed }: StoredModel): string {
  const used = lastUsed > 0 ? `, last used ${formatAgo(lastUsed, Date.now())}` : "";
  return complete ? `On this device${used}` : `${formatBytesOf(storedBytes, size)} are here already${used}`;
}

const FIT_WORDS: Record<Fit["verdict"], { icon: IconName; words: string }> = {
  fits: { icon: "check", words: "Fits this device." },
  tight: { icon: "alert", words: "Tight on this device." },
  "too large": { icon: "close", words: "Too large for this device." },
  unknown: { icon: "info", words: "May fit." },
};

function fitOf({ id, entry, stored }: KnownModel): Fit {
  const estimate = storage.value;
  return judgeFit(
    { size: entry?.size ?? stored?.size ?? 0, storedBytes: stored?.storedBytes ?? 0, conversation: modelPlans.value.get(id)?.bytes },
    {
      freeStorage: estimate === null || estimate.quota === 0 ? undefined : Math.max(0, estimate.quota - estimate.usage),
      memory: deviceMemory(),
    },
  );
}

function FitLine({ fit: { verdict, why } }: { fit: Fit }): JSX.Element {
  const { icon, words } = FIT_WORDS[verdict];
  return (
    <p class="fit" data-fit={verdict}>
      <Icon name={icon} size={16} />
      <span>
        <strong>{words}</strong> {why}
      </span>
    </p>
  );
}

interface RowActionsProps {
  model: KnownModel;
  running: boolean;
  fits: boolean;
}

function RowActions({ model: { id, name, entry, stored }, running, fits }: RowActionsProps): JSX.Element {
  /** Null: not asked yet. */
  const asking = useSignal<boolean | null>(null);
  const first = useRef<HTMLButtonElement>(null);
  // What had the focus has gone: the safe answer gets it, and after an answer what can be done now.
  useEffect(() => {
    if (asking.value !== null) first.current?.focus();
  }, [asking.value]);
  const remove = (model: StoredModel): void => {
    asking.value = false;
    void deleteModel(model, name);
  };
  if (asking.value === true && stored !== undefined) {
    return (
      <fieldset class="model-actions" aria-label={`Delete ${name}?`}>
        <button type="button" class="button danger" onClick={() => remove(stored)}>
          Delete {formatBytes(stored.storedBytes)}
        </button>
        <button type="button" class="button quiet" ref={first} onClick={() => (asking.value = false)}>
          Keep
        </button>
      </fieldset>
    );
  }
  const start = (): void => {
    if (running) void closeModel();
    else if (stored !== undefined) void chooseStored(stored);
    else void chooseModel({ reference: id, name, ...(entry && { entry }) });
  };
  return (
    <div class="model-actions">
      <button type="button" class="button" ref={first} aria-label={`${verb(running, stored, fits)} ${name}`} onClick={start}>
        {verb(running, stored, fits)}
      </button>
      {stored !== undefined && <IconButton icon="trash" label={`Delete ${name}`} onClick={() => (asking.value = true)} />}
    </div>
  );
}

function verb(running: boolean, stored: StoredModel | undefined, fits: boolean): string {
  if (running) return "Close";
  if (stored === undefined) return fits ? "Load" : "Try anyway";
  return stored.complete ? "Start" : "Continue";
}
