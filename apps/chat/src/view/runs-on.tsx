import type { JSX } from "preact";
import type { BackendChoice, ModelInfo } from "../longtab.ts";
import { runOn } from "../state/backend.ts";
import { generation } from "../state/generation.ts";
import { isolatesNext } from "../state/isolation.ts";
import { loadedModel } from "../state/model.ts";
import { settings } from "../state/settings.ts";
import { formatBytes } from "../text/format.ts";
import { Segments } from "./segments.tsx";

const CHOICES: readonly (readonly [BackendChoice, string])[] = [
  ["auto", "Automatic"],
  ["webgpu", "Graphics card"],
  ["cpu", "Processor"],
];

/** The setting of where models run, and what is true of the loaded one. */
export function RunsOn(): JSX.Element {
  const { backend } = settings.value;
  const model = loadedModel.value?.model;
  return (
    <div class="setting">
      <Segments name="backend" legend="Run on" choices={CHOICES} chosen={backend} onChoose={runOn} long />
      {model === undefined ? (
        <p class="hint">Automatic takes the graphics card where there is one that is faster, and else the processor.</p>
      ) : (
        <p class="hint">
          {model.backendReason} {memoryLine(model)} {threadsLine(model)}
          {generation.value !== null && " A change waits for the answer that is being written."}
        </p>
      )}
    </div>
  );
}

function memoryLine({ memory: { weights, scratch, kv, kvBudget } }: ModelInfo): string {
  return `It keeps ${formatBytes(weights + scratch + kv)} of memory, and up to ${formatBytes(kvBudget)} for a full conversation.`;
}

function threadsLine({ cpu }: ModelInfo): string {
  if (cpu === undefined) return "";
  const many = cpu.threads === 1 ? "One thread computes" : `${cpu.threads} threads compute`;
  const note = isolatesNext() ? `${many}; after a reload there can be more` : (cpu.threadsNote ?? many);
  return `${note}. ${cpu.prefill.reason}`;
}
