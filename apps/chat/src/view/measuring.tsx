import type { JSX } from "preact";
import type { CalibrationProgress } from "../longtab.ts";
import { choice } from "../state/model.ts";

type Phase = CalibrationProgress["phase"];

const STEPS: readonly (readonly [Phase, string])[] = [
  ["heads", "Each part"],
  ["choice", "Together"],
  ["gates", "Refine"],
  ["check", "Check"],
  ["sinks", "First words"],
];

/** While it is measured which parts of the model need only the beginning and the end of a text. */
export function Measuring({ progress, cancel }: { progress: CalibrationProgress | null; cancel: () => void }): JSX.Element {
  const at = STEPS.findIndex(([phase]) => phase === progress?.phase);
  const step = STEPS[at];
  return (
    <section class="card loading" aria-label="Model" aria-busy="true">
      <div class="loading-head">
        <h2>{choice.value.name}</h2>
        <button type="button" class="button quiet" onClick={cancel}>
          Cancel
        </button>
      </div>
      <progress aria-label="Measuring" max={progress?.total ?? 1} {...(progress === null ? {} : { value: progress.done })} />
      <p class="loading-line">
        <span>Measuring what the model needs to remember</span>
        <span>{step === undefined || progress === null ? "Starting" : `${step[1]}, ${progress.done} of ${progress.total}`}</span>
      </p>
      <ol class="steps">
        {STEPS.map(([phase, label], index) => (
          <li key={phase} class={index < at ? "done" : index === at ? "now" : ""} aria-current={index === at ? "step" : undefined}>
            {label}
          </li>
        ))}
      </ol>
    </section>
  );
}
