import { signal, type Signal } from "@preact/signals";
import { readWaiting, writeWaiting } from "./attachment-store.ts";
import { bringTexts, keepTexts, textOf } from "./attached-texts.ts";
import type { Attachment } from "./attachment.ts";
import { readDrafts, writeDraft } from "./conversation-store.ts";
import type { ConversationSummary } from "./conversation.ts";

/** Unsent text, one per conversation: written to the store shortly after the last key and when the page is put away. */
const drafts = new Map<string, Signal<string>>();
/** Attachments that wait with it. */
const attached = new Map<string, Signal<Attachment[]>>();
const unwritten = new Set<string>();
const WRITE_AFTER_MS = 400;
let timer: ReturnType<typeof setTimeout> | undefined;

export async function startDrafts(): Promise<void> {
  // A phone may end a hidden tab without another word.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") void writeDrafts();
  });
  addEventListener("pagehide", () => void writeDrafts());
  for (const [id, text] of await readDrafts()) {
    const draft = draftFor(id);
    if (draft.peek() === "") draft.value = text;
  }
  for (const [id, attachments] of await readWaiting()) {
    await bringTexts(attachments.map((attachment) => attachment.id));
    attachedTo(id).value = attachments.filter((attachment) => textOf(attachment.id) !== undefined);
  }
}

export function draftFor(conversationId: string): Signal<string> {
  return entryOf(drafts, conversationId, "");
}

export function attachedTo(conversationId: string): Signal<Attachment[]> {
  return entryOf<Attachment[]>(attached, conversationId, []);
}

function entryOf<T>(entries: Map<string, Signal<T>>, id: string, initial: T): Signal<T> {
  const entry = entries.get(id) ?? signal(initial);
  entries.set(id, entry);
  return entry;
}

export function setDraft(conversationId: string, text: string): void {
  draftFor(conversationId).value = text;
  unwritten.add(conversationId);
  clearTimeout(timer);
  timer = setTimeout(() => void writeDrafts(), WRITE_AFTER_MS);
}

/** What waits in the message field of a conversation. */
export interface Unsent {
  text: string;
  attachments: Attachment[];
}

/** Empties the message field of a conversation that is deleted with all that is stored of it. */
export function takeUnsent(conversationId: string): Unsent {
  const [text, attachments] = [draftFor(conversationId), attachedTo(conversationId)];
  const unsent = { text: text.peek(), attachments: attachments.peek() };
  text.value = "";
  attachments.value = [];
  unwritten.delete(conversationId);
  return unsent;
}

/** Puts it back, unless other words stand there now. */
export async function putUnsent(conversationId: string, { text, attachments }: Unsent): Promise<void> {
  if (draftFor(conversationId).peek() === "") setDraft(conversationId, text);
  const list = attachedTo(conversationId);
  list.value = [...attachments, ...list.peek()];
  await writeWaiting(conversationId, list.peek()).catch(() => undefined);
  await keepTexts(attachments.map(({ id }) => id));
}

/** The draft of a conversation that was never begun: a list of conversations cannot show it, so a new one takes it up. */
export function forgottenDraft(stored: readonly ConversationSummary[]): string | undefined {
  const begun = new Set([...drafts.keys(), ...attached.keys()]);
  return [...begun].find((id) => {
    const empty = draftFor(id).peek().trim() === "" && attachedTo(id).peek().length === 0;
    return !empty && !stored.some((summary) => summary.id === id);
  });
}

/** Stores what was typed and is not stored yet. */
export async function writeDrafts(): Promise<void> {
  clearTimeout(timer);
  // Refused storage loses nothing that is on screen.
  const writes = Array.from(unwritten, (id) => writeDraft(id, draftFor(id).peek()).catch(() => undefined));
  unwritten.clear();
  await Promise.all(writes);
}
