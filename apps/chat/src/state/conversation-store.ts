import { createStore, promisifyRequest } from "idb-keyval";
import { type Conversation, type ConversationSummary, summarise } from "./conversation.ts";

/**
 * Conversations in IndexedDB: one record each, and a summary beside it for the list. There is no list to overwrite, and every change is a
 * function applied to the stored record inside one transaction, so two tabs cannot clobber one another.
 */
export const inStore = createStore("longtab-chat", "conversations");
const channel = new BroadcastChannel("longtab-chat");

const recordKey = (id: string) => `conversation:${id}`;
const summaryKey = (id: string) => `summary:${id}`;
const draftKey = (id: string) => `draft:${id}`;
/** All keys that begin with a prefix: \uffff sorts behind every id. */
export const keysWith = (prefix: string) => IDBKeyRange.bound(prefix, `${prefix}\uffff`);

export function readConversation(id: string): Promise<Conversation | undefined> {
  return inStore("readonly", (store) => promisifyRequest<Conversation | undefined>(store.get(recordKey(id))));
}

/** Newest first. */
export async function listConversations(): Promise<ConversationSummary[]> {
  const summaries = await inStore("readonly", (store) => promisifyRequest<ConversationSummary[]>(store.getAll(keysWith("summary:"))));
  return summaries.toSorted((a, b) => b.updatedAt - a.updatedAt);
}

/**
 * Applies `change` to the stored conversation, or to `fallback` where none is stored, and tells other tabs.
 * Without either (it was deleted meanwhile) nothing is written.
 */
export async function changeConversation(
  id: string,
  change: (stored: Conversation) => Conversation,
  fallback: Conversation | undefined,
): Promise<void> {
  await inStore("readwrite", async (store) => {
    const base = (await promisifyRequest<Conversation | undefined>(store.get(recordKey(id)))) ?? fallback;
    if (base === undefined) return;
    const next = change(base);
    store.put(next, recordKey(id));
    store.put(summarise(next), summaryKey(id));
    await promisifyRequest(store.transaction);
  });
  tellOtherTabs(id);
}

export async function deleteConversation(id: string): Promise<void> {
  await inStore("readwrite", (store) => {
    store.delete(recordKey(id));
    store.delete(summaryKey(id));
    store.delete(draftKey(id));
    store.delete(`attached:${id}`);
    return promisifyRequest(store.transaction);
  });
  tellOtherTabs(id);
}

function tellOtherTabs(id: string): void {
  channel.postMessage(id);
}

/** Calls back with the id of a conversation that another tab changed or deleted. */
export function onOtherTabsChange(listener: (id: string) => void): void {
  channel.addEventListener("message", (event: MessageEvent<string>) => listener(event.data));
}

export function readDrafts(): Promise<Map<string, string>> {
  return inStore("readonly", async (store) => {
    const range = keysWith("draft:");
    const keys = promisifyRequest(store.getAllKeys(range));
    const texts = promisifyRequest<string[]>(store.getAll(range));
    const ids = (await keys).map((key) => (typeof key === "string" ? key.slice("draft:".length) : ""));
    const values = await texts;
    return new Map(ids.map((id, index) => [id, values[index] ?? ""]));
  });
}

export function writeDraft(id: string, text: string): Promise<void> {
  return inStore("readwrite", (store) => {
    if (text === "") store.delete(draftKey(id));
    else store.put(text, draftKey(id));
    return promisifyRequest(store.transaction);
  });
}
