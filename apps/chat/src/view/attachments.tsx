import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { textOf } from "../state/attached-texts.ts";
import { type Attachment, MOST_CHARACTERS } from "../state/attachment.ts";
import { attachedHere, attachFile, detach } from "../state/attachments.ts";
import { sumOfTokens, tokensOf } from "../state/attachment-tokens.ts";
import { readingSpeed } from "../state/generation.ts";
import { focusComposer } from "../state/page.ts";
import { formatCount, formatShort, formatTimeLeft, formatTokens } from "../text/format.ts";
import { Icon, IconButton } from "./icons.tsx";

/** The way to attach a text with the keyboard or a finger; it can also be dropped or pasted. */
export function AttachButton(): JSX.Element {
  return (
    <label class="icon-button attach" title={`Attach a text file, of up to ${formatCount(MOST_CHARACTERS / 1e6)} million characters`}>
      <Icon name="clip" />
      <span class="unseen">Attach a text file</span>
      <input
        class="unseen"
        type="file"
        multiple
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = "";
          for (const file of files) void attachFile(file);
          focusComposer();
        }}
      />
    </label>
  );
}

/** What waits in the message field. */
export function WaitingAttachments(): JSX.Element | null {
  const attachments = attachedHere.value;
  if (attachments.length === 0) return null;
  const seconds = readingSpeed.value === null ? null : sumOfTokens(attachments) / readingSpeed.value;
  return (
    <ul class="attachments" aria-label="Attached">
      {attachments.map((attachment) => (
        <li key={attachment.id} class="attachment">
          <Icon name="file" size={18} />
          <span class="attachment-name">{attachment.name}</span>
          <span class="attachment-size">{sizeOf(attachment)}</span>
          <IconButton
            icon="close"
            size={16}
            label={`Remove ${attachment.name}`}
            onClick={() => {
              detach(attachment.id);
              focusComposer();
            }}
          />
        </li>
      ))}
      {seconds !== null && seconds > 10 && <li class="attachment-time">Takes {formatTimeLeft(seconds)} to read.</li>}
    </ul>
  );
}

function sizeOf(attachment: Attachment): string {
  const { tokens, exact } = tokensOf(attachment);
  return exact ? formatTokens(tokens) : `about ${formatTokens(Math.ceil(tokens / 100) * 100)}`;
}

/** What went with a question; each opens to its beginning. */
export function SentAttachments({ attachments }: { attachments: readonly Attachment[] }): JSX.Element {
  return (
    <ul class="attachments" aria-label="Attached">
      {attachments.map((attachment) => (
        <SentAttachment key={attachment.id} attachment={attachment} />
      ))}
    </ul>
  );
}

/** A book on screen would make the page slow, and nobody reads it here. */
const SHOWN_CHARACTERS = 20_000;

function SentAttachment({ attachment }: { attachment: Attachment }): JSX.Element {
  const open = useSignal(false);
  const text = textOf(attachment.id);
  const rest = attachment.characters - SHOWN_CHARACTERS;
  return (
    <li>
      <button type="button" class="attachment" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
        <Icon name="file" size={18} />
        <span class="attachment-name">{attachment.name}</span>
        <span class="attachment-size">{formatShort(attachment.characters)} characters</span>
        <Icon name="chevron" size={16} />
      </button>
      {open.value && (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- Safari gives the keyboard no other way to scroll it
        <pre class="attachment-text" tabIndex={0}>
          {text === undefined ? "The text is no longer stored in this browser." : text.slice(0, SHOWN_CHARACTERS).toWellFormed()}
          {rest > 0 && `… and ${formatCount(rest)} characters more.`}
        </pre>
      )}
    </li>
  );
}
