import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { LONG_PASTE } from "../state/attachment.ts";
import { attachedHere, attachFile, attachPaste } from "../state/attachments.ts";
import { CHARACTERS_PER_TOKEN, sumOfTokens } from "../state/attachment-tokens.ts";
import { offersGpu, useGpu } from "../state/backend.ts";
import { contextFill, NEARLY_FULL } from "../state/context.ts";
import { current, draft, isEmpty, keeps, openConversation, shownExchanges } from "../state/conversations.ts";
import { setDraft } from "../state/drafts.ts";
import { generatingHere, generation, send, stop, waitingToSend } from "../state/generation.ts";
import { loadedModel, modelState, storedChoice } from "../state/model.ts";
import { remembersAsHere } from "../state/remembering.ts";
import { formatCount, formatSpeed } from "../text/format.ts";
import { AttachButton, WaitingAttachments } from "./attachments.tsx";
import { Icon } from "./icons.tsx";

/** On a phone Enter makes a line: the button is under the thumb anyway. */
const touch = matchMedia("(pointer: coarse)");

export function Composer(): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  const ready = loadedModel.value !== null;
  // The text is at hand wherever the person goes: into another conversation, or when the model becomes ready.
  const { id } = current.value;
  const text = draft.value;
  useEffect(() => {
    if (ready && !touch.matches && document.querySelector("dialog[open]") === null) field.current?.focus();
  }, [ready, id]);
  useEffect(() => fitHeight(field.current), [text]);

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <WaitingAttachments />
      <div class="composer-line">
        <AttachButton />
        <textarea
          id="composer"
          ref={field}
          rows={1}
          value={text}
          dir="auto"
          aria-label="Message"
          aria-describedby="composer-note"
          placeholder={isEmpty.value ? "Ask anything" : "Write a message"}
          enterkeyhint={touch.matches ? "enter" : "send"}
          onInput={(event) => setDraft(current.peek().id, event.currentTarget.value)}
          onPaste={(event) => {
            const files = [...(event.clipboardData?.files ?? [])];
            for (const file of files) void attachFile(file);
            if (files.length > 0) return;
            const pasted = event.clipboardData?.getData("text/plain") ?? "";
            if (pasted.length < LONG_PASTE || pasted.trim() === "") return;
            event.preventDefault();
            attachPaste(pasted);
          }}
          onKeyDown={(event) => {
            // keyCode 229: Safari ends a composition before it reports the Enter that ended it.
            if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229 || touch.matches) return;
            event.preventDefault();
            void send();
          }}
        />
        <SendButton />
      </div>
    </form>
  );
}

function SendButton(): JSX.Element {
  if (generatingHere.value) {
    return (
      <button type="button" class="send" aria-label="Stop" title="Stop (Esc)" onClick={stop}>
        <i class="stop-mark" />
      </button>
    );
  }
  const { at } = modelState.value;
  const startable = at === "ready" || at === "loading" || (at === "idle" && storedChoice.value?.complete === true);
  return (
    <button
      type="submit"
      class="send"
      aria-label="Send"
      title="Send (Enter)"
      disabled={!startable || (draft.value.trim() === "" && attachedHere.value.length === 0) || generation.value !== null}
    >
      <Icon name="send" />
    </button>
  );
}

/** Where CSS cannot size a text field by its text (field-sizing), its height follows here. */
function fitHeight(field: HTMLTextAreaElement | null): void {
  if (field === null || CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

/** The one quiet line under the composer: whatever matters most now. */
export function ComposerNote(): JSX.Element {
  return (
    <p class="note" id="composer-note">
      {noteContent()}
    </p>
  );
}

function noteContent(): JSX.Element | string {
  const fill = contextFill.value;
  const elsewhere = generation.value !== null && !generatingHere.value ? generation.value.conversationId : null;
  if (elsewhere !== null) {
    return (
      <>
        An answer is being written in another conversation.{" "}
        <button type="button" class="text-button" onClick={() => void openConversation(elsewhere)}>
          Go there
        </button>{" "}
        <button type="button" class="text-button" onClick={stop}>
          Stop it
        </button>
      </>
    );
  }
  if (waitingToSend.value === current.value.id) {
    return (
      <>
        Your message is sent as soon as the model is ready.{" "}
        <button type="button" class="text-button" onClick={() => (waitingToSend.value = null)}>
          Wait, don’t
        </button>
      </>
    );
  }
  if (!remembersAsHere.value)
    return "This conversation is remembered in another way: sending loads the model anew for it, from this device.";
  if (fill !== null && !fill.endless) {
    const room = fill.keeps - fill.used;
    const draftTokens = draft.value.length / CHARACTERS_PER_TOKEN + sumOfTokens(attachedHere.value);
    if (draftTokens > fill.keeps * 0.5 && draftTokens > room) {
      return `This message takes about ${formatCount(Math.round(draftTokens / 100) * 100)} tokens; the model can read ${formatCount(room)} more.`;
    }
    if (fill.share >= 1) return "The context is full: begin a new chat, or delete early messages.";
    if (fill.share >= NEARLY_FULL) return `The context is nearly full: room for ${formatCount(room)} more tokens.`;
  }
  if (!keeps.value) return "This browser does not store conversations at the moment: this one lasts as long as the tab.";
  if (offersGpu.value) {
    return (
      <>
        A graphics card is available now.{" "}
        <button type="button" class="text-button" onClick={useGpu}>
          Use it
        </button>
      </>
    );
  }
  return `${placeNote()} Small models make mistakes.`;
}

/** Where the model runs, and why, where that is not the usual place. */
function placeNote(): string {
  const model = loadedModel.value?.model;
  if (model?.softwareAdapter === true) return `${model.backendReason.replace(/\.$/, "")}; ${speedNote()}.`;
  return model?.backend === "cpu" ? model.backendReason : "Runs on this device.";
}

function speedNote(): string {
  const speed = shownExchanges.value.findLast(({ answer }) => answer?.stats !== undefined)?.answer?.stats?.tokensPerSecond;
  return speed === undefined ? "answers come slowly" : `answers come at about ${formatSpeed(speed)} tokens a second`;
}
