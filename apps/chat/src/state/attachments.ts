import { computed } from "@preact/signals";
import { keepText } from "./attached-texts.ts";
import { type Attachment, checkText, MOST_ATTACHED, MOST_NAME, nameOfPaste, readTextFile, type ReadText } from "./attachment.ts";
import { writeWaiting } from "./attachment-store.ts";
import { current } from "./conversations.ts";
import { attachedTo } from "./drafts.ts";
import { newId } from "./new-id.ts";
import { announce, notify } from "./notices.ts";

/** What waits in the message field. */
export const attachedHere = computed(() => attachedTo(current.value.id).value);

export async function attachFile(file: File): Promise<void> {
  attach(file.name, await readTextFile(file));
}

export function attachPaste(text: string): void {
  attach(nameOfPaste(text), checkText("The pasted text", text));
}

function attach(name: string, read: ReadText): void {
  if ("mistake" in read) {
    notify(read.mistake);
    return;
  }
  const { id: conversationId } = current.peek();
  const list = attachedTo(conversationId);
  if (list.peek().length >= MOST_ATTACHED) {
    notify(`A message takes ${MOST_ATTACHED} texts: “${name}” is not attached.`);
    return;
  }
  const { text } = read;
  const attachment = { id: newId(), name: name.slice(0, MOST_NAME).toWellFormed(), characters: text.length };
  keepText(attachment.id, text);
  list.value = [...list.peek(), attachment];
  announce(`Attached ${attachment.name}`);
  writeWaiting(conversationId, list.peek(), { id: attachment.id, text }).catch(() => {
    notify(`This browser does not store “${attachment.name}” at the moment: it lasts as long as the tab.`);
  });
}

/** Attaches again what an earlier message had. */
export function attachAgain(attachments: readonly Attachment[]): void {
  const { id: conversationId } = current.peek();
  const list = attachedTo(conversationId);
  list.value = [...list.peek(), ...attachments];
  void writeWaiting(conversationId, list.peek()).catch(() => undefined);
}

/** Takes a text out of the message field. */
export function detach(attachmentId: string): void {
  const { id: conversationId } = current.peek();
  const list = attachedTo(conversationId);
  list.value = list.peek().filter(({ id }) => id !== attachmentId);
  void writeWaiting(conversationId, list.peek()).catch(() => undefined);
}

/** Empties the message field of what was sent. Not before the stored conversation refers to it: what nothing refers to is swept away. */
export async function clearAttached(conversationId: string, sent: Promise<void>): Promise<void> {
  const list = attachedTo(conversationId);
  list.value = [];
  await sent;
  await writeWaiting(conversationId, list.peek()).catch(() => undefined);
}
