import type { JSX } from "preact";
import { choice } from "../state/model.ts";
import { Icon } from "./icons.tsx";

interface ProgressCardProps {
  /** What is done now, in words. */
  doing: string;
  /** How far it is. */
  figures: string;
  progress: { done: number; total: number } | undefined;
  steps: readonly string[];
  /** Of the steps; before the first of them -1. */
  at: number;
  cancel: () => void;
}

/** While something is done with the model that takes a while and can be cancelled: what, how far, and the steps of the way. */
export function ProgressCard({ doing, figures, progress, steps, at, cancel }: ProgressCardProps): JSX.Element {
  return (
    <section class="card loading" aria-label="Model" aria-busy="true">
      <div class="loading-head">
        <h2>{choice.value.name}</h2>
        <button type="button" class="button quiet" onClick={cancel}>
          Cancel
        </button>
      </div>
      <progress aria-label={doing} max={progress?.total ?? 1} {...(progress === undefined ? {} : { value: progress.done })} />
      <p class="loading-line">
        <span>{doing}</span>
        <span>{figures}</span>
      </p>
      <ol class="steps">
        {steps.map((step, index) => (
          <li key={step} class={index < at ? "done" : index === at ? "now" : ""} aria-current={index === at ? "step" : undefined}>
            {index < at && <Icon name="check" size={14} />}
            {step}
          </li>
        ))}
      </ol>
    </section>
  );
}
