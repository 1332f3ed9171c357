import type { JSX } from "preact";
import type { CalibrationProgress } from "../longtab.ts";
import { ProgressCard } from "./progress-card.tsx";

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
    <ProgressCard
      doing="Measuring what the model needs to remember"
      figures={step === undefined || progress === null ? "Starting" : `${step[1]}, ${progress.done} of ${progress.total}`}
      progress={progress ?? undefined}
      steps={STEPS.map(([, label]) => label)}
      at={at}
      cancel={cancel}
    />
  );
}
