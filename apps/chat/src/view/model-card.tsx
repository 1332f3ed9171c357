import type { ComponentChildren, JSX } from "preact";
import type { BackendKind, LoadPhase, LoadProgress } from "../longtab.ts";
import { availability, type Choice, choice, loadModel, modelState, type Phases, storedChoice } from "../state/model.ts";
import { waysOn } from "../state/problems.ts";
import { plans } from "../state/plans.ts";
import type { Context } from "../state/chat-settings.ts";
import { settingsHere } from "../state/conversation-settings.ts";
import { changeSettings, settings } from "../state/settings.ts";
import { formatBytes, formatBytesOf, formatCount, formatParameters, formatRate, formatTimeLeft, formatWords } from "../text/format.ts";
import { Measuring } from "./measuring.tsx";
import { OtherModel } from "./other-model.tsx";
import { OfflineHint } from "./offline-badge.tsx";
import { ProblemNote } from "./problem.tsx";
import { ProgressCard } from "./progress-card.tsx";
import { Unavailable } from "./unavailable.tsx";

/** The model before it is ready: what it is, what it costs, and the one button; then its progress, or what went wrong. */
export function ModelCard({ compact }: { compact: boolean }): JSX.Element | null {
  const state = modelState.value;
  switch (state.at) {
    case "ready":
      return null;
    case "unavailable":
      return <Unavailable reason={state.reason} remedy={state.remedy} />;
    case "loading":
      return <Loading phases={state.phases} phase={state.phase} backend={state.backend} cancel={state.cancel} />;
    case "measuring":
      return <Measuring progress={state.progress} cancel={state.cancel} />;
    case "failed":
    case "lost":
      return (
        <>
          <section class="card" aria-label="Model">
            <ProblemNote problem={state.problem} ways={waysOn(state.problem.code, state.backend)} onRetry={() => void loadModel()} />
          </section>
          {!compact && <OtherModel />}
        </>
      );
    case "checking":
    case "idle":
      break;
  }
  // The offer stands while the device is looked at too, its button waiting: nothing jumps when the answer comes.
  return compact ? <StartStrip /> : <Offer />;
}

function Offer(): JSX.Element {
  const { name, entry } = choice.value;
  return (
    <>
      <section class="card offer" aria-label="Model">
        <h2>{name}</h2>
        {entry !== undefined && <p class="offer-what">{entry.description}</p>}
        {entry !== undefined && <Facts entry={entry} />}
        <LoadButton />
        <OfflineHint />
        {storedChoice.value?.complete === true && <AutoStart />}
        <PlaceHint />
      </section>
      <OtherModel />
    </>
  );
}

/** Where the model will run, where that is not the usual place. */
function PlaceHint(): JSX.Element | null {
  const { backend } = settings.value;
  const found = availability.value;
  if (backend === "cpu") return <p class="hint">Runs on the processor, as chosen.</p>;
  if (backend === "webgpu" || found === null || found.state === "unavailable") return null;
  return found.backend === "cpu" || found.software ? <p class="hint">{found.backendReason}</p> : null;
}

function Facts({ entry }: { entry: NonNullable<Choice["entry"]> }): JSX.Element {
  return (
    <dl class="facts">
      <Fact term="Download">{formatBytes(entry.size)}, once</Fact>
      <MemoryFact trained={entry.contextLength} />
      <Fact term="Size">
        {formatParameters(entry.parameters)} parameters, {entry.quantisation}
      </Fact>
      <Fact term="Licence">{entry.license}</Fact>
    </dl>
  );
}

const MEMORY_TERMS: Record<Context, string> = { auto: "Remembers", streaming: "Keeps in view", dense: "Reads up to" };

/** What the chosen way to remember buys. */
function MemoryFact({ trained }: { trained: number }): JSX.Element {
  const { context } = settingsHere.value;
  const plan = plans.value[context];
  if (plan === undefined) return <Fact term="Reads up to">{formatCount(trained)} tokens</Fact>;
  return <Fact term={MEMORY_TERMS[context]}>about {formatWords(plan.keeps)}</Fact>;
}

function Fact({ term, children }: { term: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function LoadButton(): JSX.Element {
  const { entry } = choice.value;
  const stored = storedChoice.value;
  const partial = stored !== undefined && !stored.complete && stored.storedBytes > 0 ? stored : null;
  return (
    <div class="load">
      <button type="button" class="button primary large" disabled={modelState.value.at === "checking"} onClick={() => void loadModel()}>
        {stored?.complete === true
          ? "Start"
          : partial !== null
            ? "Continue the download"
            : `Load model${entry === undefined ? "" : ` · ${formatBytes(entry.size)}`}`}
      </button>
      {partial !== null && <p class="hint">{formatBytesOf(partial.storedBytes, partial.size)} are here already.</p>}
      {stored?.complete === true && <p class="hint">Stored on this device: nothing to download.</p>}
    </div>
  );
}

function AutoStart(): JSX.Element {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={settings.value.autoStart}
        onChange={(event) => changeSettings({ autoStart: event.currentTarget.checked })}
      />
      Start by itself when the page opens
    </label>
  );
}

/** The same offer in one line, above the composer of a conversation that is there already. */
function StartStrip(): JSX.Element {
  const { name, entry } = choice.value;
  const stored = storedChoice.value;
  const fact = stored?.complete === true ? "stored on this device" : entry === undefined ? "" : `${formatBytes(entry.size)} to download`;
  return (
    <section class="card strip" aria-label="Model">
      <p>
        <strong>{name}</strong> <span class="hint">{fact}</span>
      </p>
      <button type="button" class="button primary" disabled={modelState.value.at === "checking"} onClick={() => void loadModel()}>
        {stored?.complete === true ? "Start" : "Load model"}
      </button>
    </section>
  );
}

interface Step {
  phase: LoadPhase;
  label: string;
  doing: string;
}

const FETCHING: readonly Step[] = [
  { phase: "download", label: "Download", doing: "Downloading" },
  { phase: "verify", label: "Check", doing: "Checking every byte" },
];
const STEPS: Record<BackendKind, readonly Step[]> = {
  webgpu: [
    ...FETCHING,
    { phase: "upload", label: "Move to the GPU", doing: "Moving it to the GPU" },
    { phase: "shaders", label: "Prepare", doing: "Preparing the GPU" },
  ],
  cpu: [...FETCHING, { phase: "upload", label: "Make ready", doing: "Making it ready for the processor" }],
};

interface LoadingProps {
  phases: Phases;
  phase: LoadPhase | null;
  backend: BackendKind;
  cancel: () => void;
}

function Loading({ phases, phase, backend, cancel }: LoadingProps): JSX.Element {
  const steps = STEPS[backend];
  const at = steps.findIndex((step) => step.phase === phase);
  const progress = phase === null ? undefined : phases[phase];
  return (
    <ProgressCard
      doing={steps[at]?.doing ?? "Starting"}
      figures={progress === undefined ? "" : progressLine(progress)}
      progress={progress && { done: progress.loaded, total: progress.total }}
      steps={steps.map(({ label }) => label)}
      at={at}
      cancel={cancel}
    />
  );
}

function progressLine({ phase, loaded, total, rate, secondsLeft }: LoadProgress): string {
  // Programs differ too much in size for the time of the next one to follow from the last.
  if (phase === "shaders") return `${loaded} of ${total} programs`;
  const parts = [formatBytesOf(loaded, total)];
  if (rate > 0) parts.push(formatRate(rate));
  if (secondsLeft !== undefined && loaded < total) parts.push(`${formatTimeLeft(secondsLeft)} left`);
  return parts.join(" · ");
}
