import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { summaries } from "../state/conversations.ts";
import { exportAll } from "../state/exporting.ts";
import { importFile } from "../state/importing.ts";
import { transfer, transferProblem } from "../state/transfer.ts";
import { formatCount } from "../text/format.ts";
import { Icon } from "./icons.tsx";

/** All conversations into a file, and those of a file to the ones that are here. */
export function YourData(): JSX.Element {
  return (
    <section class="group">
      <h3>Your data</h3>
      <p class="hint">
        Conversations are kept in this browser only. An export is one file with every word, every branch and every attached text; importing
        it adds what is not here yet and changes nothing else.
      </p>
      {transfer.value === null ? <Ways /> : <Progress />}
      <Failure />
    </section>
  );
}

/** Stands until the sheet is closed; a sheet that is opened for it shows it. */
function Failure(): JSX.Element | null {
  const element = useRef<HTMLDivElement>(null);
  const failure = transferProblem.value;
  useEffect(() => element.current?.scrollIntoView({ block: "nearest" }), [failure]);
  useEffect(() => () => void (transferProblem.value = null), []);
  if (failure === null) return null;
  const {
    kind,
    problem: { what, remedy },
  } = failure;
  return (
    <div class="problem" role="alert" ref={element}>
      <Icon name="alert" />
      <div>
        <p class="problem-title">{kind === "import" ? "The file was not imported" : "The export failed"}</p>
        <p>
          {what}. {remedy !== undefined && capital(remedy)}
        </p>
      </div>
    </div>
  );
}

function Ways(): JSX.Element {
  return (
    <div class="data-ways">
      <button type="button" class="button" disabled={summaries.value.length === 0} onClick={() => void exportAll()}>
        <Icon name="download" size={18} /> Export all
      </button>
      <label class="button">
        <Icon name="upload" size={18} /> Import a file
        <input
          class="unseen"
          type="file"
          accept=".json,application/json"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = "";
            if (file !== undefined) void importFile(file);
          }}
        />
      </label>
    </div>
  );
}

function Progress(): JSX.Element | null {
  if (transfer.value === null) return null;
  const { kind, done, total, cancel } = transfer.value;
  const doing = kind === "export" ? "Exporting" : "Importing";
  return (
    <div class="transfer">
      <p class="loading-line">
        <span>{doing}</span>
        <span>{total === 0 ? "Reading" : `${formatCount(done)} of ${formatCount(total)}`}</span>
      </p>
      <progress aria-label={doing} max={Math.max(total, 1)} {...(total > 0 && { value: done })} />
      <button type="button" class="button quiet" onClick={cancel}>
        Cancel
      </button>
    </div>
  );
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
