import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { chooseFile, chooseModel } from "../state/model.ts";
import { type ParsedReference, parseReference } from "../state/model-reference.ts";
import { Icon } from "./icons.tsx";

/** A file of one's own, or another model on the hub, behind a line that opens. */
export function OtherModel(): JSX.Element {
  return (
    <details class="other" onToggle={(event) => event.currentTarget.open && event.currentTarget.scrollIntoView({ block: "nearest" })}>
      <summary>
        Use another model <Icon name="chevron" size={18} />
      </summary>
      <OtherWays />
    </details>
  );
}

export function OtherWays(): JSX.Element {
  return (
    <div class="other-ways">
      <div class="other-file">
        <label class="button">
          <Icon name="file" size={18} /> Choose a .gguf file
          <input
            class="unseen"
            type="file"
            accept=".gguf"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              if (file !== undefined) void chooseFile(file);
              event.currentTarget.value = "";
            }}
          />
        </label>
        <p class="hint">or drop one anywhere on this page. It is read here and sent nowhere.</p>
      </div>
      <HubForm />
    </div>
  );
}

/** What is typed is judged as it is typed, in a quiet line; it is an error only once it was meant. */
function HubForm(): JSX.Element {
  // There may be two of these: one on the page, one in a sheet.
  const id = useId();
  const typed = useSignal("");
  const meant = useSignal(false);
  const parsed = parseReference(typed.value);
  const wrong = meant.value && "mistake" in parsed;
  const submit = (event: Event): void => {
    event.preventDefault();
    meant.value = true;
    if ("reference" in parsed) void chooseModel(parsed);
  };
  return (
    <form onSubmit={submit} class="other-hub">
      <label htmlFor={id}>From the Hugging Face hub: its name, or the address of its page</label>
      <div class="field-row">
        <input
          id={id}
          type="text"
          placeholder="owner/repo/file.gguf"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          dir="ltr"
          value={typed.value}
          aria-invalid={wrong}
          aria-describedby={`${id}-judged`}
          onInput={(event) => {
            typed.value = event.currentTarget.value;
            meant.value = false;
          }}
        />
        <button type="submit" class="button">
          Load
        </button>
      </div>
      <p class={wrong ? "mistake" : "hint"} id={`${id}-judged`} role={wrong ? "alert" : undefined}>
        {wrong || typed.value.trim() !== "" ? wordsOf(parsed) : ""}
      </p>
    </form>
  );
}

function wordsOf(parsed: ParsedReference): string {
  return "mistake" in parsed ? parsed.mistake : `${parsed.name} is downloaded from huggingface.co and kept in this browser.`;
}
