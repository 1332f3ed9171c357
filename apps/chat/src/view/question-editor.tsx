import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Exchange } from "../state/conversation.ts";
import { shownExchanges } from "../state/conversations.ts";
import { generation, regenerate } from "../state/generation.ts";
import { loadedModel } from "../state/model.ts";

/** In the question's place; what it makes stands beside the question, which stays. */
export function QuestionEditor({ exchange, onDone }: { exchange: Exchange; onDone: () => void }): JSX.Element {
  const text = useSignal(exchange.question);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    const end = field.current?.value.length ?? 0;
    field.current?.setSelectionRange(end, end);
  }, []);
  const following = shownExchanges.value.length - 1 - shownExchanges.value.findIndex(({ id }) => id === exchange.id);
  const sendable =
    (text.value.trim() !== "" || exchange.attachments !== undefined) && loadedModel.value !== null && generation.value === null;
  const submit = (): void => {
    if (!sendable) return;
    onDone();
    void regenerate(exchange.id, text.value.trim());
  };
  return (
    <form
      class="question editor"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <textarea
        ref={field}
        aria-label="Edit message"
        dir="auto"
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.stopPropagation();
            onDone();
          } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
            // keyCode 229: see composer.tsx.
            event.preventDefault();
            submit();
          }
        }}
      />
      <div class="editor-foot">
        <span class="hint">{editHint(loadedModel.value !== null, following)}</span>
        <button type="button" class="button quiet" onClick={onDone}>
          Cancel
        </button>
        <button type="submit" class="button primary" disabled={!sendable}>
          Send
        </button>
      </div>
    </form>
  );
}

function editHint(modelReady: boolean, following: number): string {
  if (!modelReady) return "Start the model to send.";
  if (following === 0) return "Makes another version; this one stays.";
  return `Makes another version; this one stays, and ${following === 1 ? "the message" : `the ${following} messages`} after it.`;
}
