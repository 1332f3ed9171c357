import { signal, type Signal } from "@preact/signals";
import { readDrafts, writeDraft } from "./conversation-store.ts";
import type { ConversationSummary } from "./conversation.ts";

/** Unsent text, one per conversation: written to the store shortly after the last key and when the page is put away. */
const drafts = new Map<string, Signal<string>>();
const unwritten = new Set<string>();
const WRITE_AFTER_MS = 400;
let timer: ReturnType<typeof setTimeout> | undefined;

export async function startDrafts(): Promise<void> {
  // A phone may end a hidden tab without another word.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") writeNow();
  });
  addEventListener("pagehide", writeNow);
  for (const [id, text] of await readDrafts()) {
    const draft = draftFor(id);
    if (draft.peek() === "") draft.value = text;
  }
}

export function draftFor(conversationId: string): Signal<string> {
  const known = drafts.get(conversationId);
  if (known !== undefined) return known;
  const draft = signal("");
  drafts.set(conversationId, draft);
  return draft;
}

export function setDraft(conversationId: string, text: string): void {
  draftFor(conversationId).value = text;
  unwritten.add(conversationId);
  clearTimeout(timer);
  timer = setTimeout(writeNow, WRITE_AFTER_MS);
}

/** The draft of a conversation that was never begun: a list of conversations cannot show it, so a new one takes it up. */
export function forgottenDraft(stored: readonly ConversationSummary[]): string | undefined {
  for (const [id, draft] of drafts) {
    if (draft.peek().trim() !== "" && !stored.some((summary) => summary.id === id)) return id;
  }
  return undefined;
}

function writeNow(): void {
  clearTimeout(timer);
  // Refused storage loses nothing that is on screen.
  for (const id of unwritten) void writeDraft(id, draftFor(id).peek()).catch(() => undefined);
  unwritten.clear();
}
