import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Version } from "../state/branches.ts";
import type { Exchange } from "../state/conversation.ts";
import { removeExchange } from "../state/conversations.ts";
import { generatingHere, generation } from "../state/generation.ts";
import { SentAttachments } from "./attachments.tsx";
import { copyText } from "./copying.ts";
import { IconButton } from "./icons.tsx";
import { VersionSwitch } from "./versions.tsx";

/** A pasted book is shown by its first page until asked for. */
const LONG_QUESTION = 1600;

interface QuestionProps {
  exchange: Exchange;
  version: Version | null;
  onEdit: () => void;
}

export function Question({ exchange, version, onEdit }: QuestionProps): JSX.Element {
  const whole = useSignal(false);
  const { question } = exchange;
  const long = question.length > LONG_QUESTION;
  return (
    <div class="question">
      <h2 class="unseen">You</h2>
      <div class={exchange.attachments !== undefined && question !== "" ? "bubble with-attachments" : "bubble"}>
        {exchange.attachments !== undefined && <SentAttachments attachments={exchange.attachments} />}
        <span class="bubble-text" dir="auto">
          {long && !whole.value ? `${question.slice(0, LONG_QUESTION).toWellFormed()}…` : question}
        </span>
        {long && (
          <button type="button" class="text-button" onClick={() => (whole.value = !whole.value)}>
            {whole.value ? "Show less" : `Show all ${question.length.toLocaleString("en")} characters`}
          </button>
        )}
      </div>
      <div class="actions">
        {question !== "" && <IconButton icon="copy" size={17} label="Copy message" onClick={() => void copyText(question)} />}
        <IconButton icon="pencil" size={17} label="Edit message" onClick={onEdit} disabled={generation.value !== null} />
        <IconButton
          icon="trash"
          size={17}
          label="Delete message and answer"
          onClick={() => void removeExchange(exchange.id)}
          disabled={generatingHere.value}
        />
        <VersionSwitch version={version} of="message" />
      </div>
    </div>
  );
}
