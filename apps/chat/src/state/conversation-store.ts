import { createStore, promisifyRequest } from "idb-keyval";
import { type Conversation, type ConversationSummary, type Exchange, summarise } from "./conversation.ts";

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

/** As it was stored before conversations had branches: one exchange behind the other. */
type StoredExchange = Omit<Exchange, "parent"> & Partial<Pick<Exchange, "parent">>;
export type StoredConversation = Omit<Conversation, "exchanges"> & { exchanges: StoredExchange[] };

/** A stored conversation as it is now written. */
function upgrade(stored: StoredConversation): Conversation {
  const exchanges = stored.exchanges.map((exchange, index, all) => ({
    ...exchange,
    parent: exchange.parent === undefined ? (all[index - 1]?.id ?? null) : exchange.parent,
  }));
  return { ...stored, exchanges };
}

export async function readConversation(id: string): Promise<Conversation | undefined> {
  const stored = await inStore("readonly", (store) => promisifyRequest<StoredConversation | undefined>(store.get(recordKey(id))));
  return stored && upgrade(stored);
}

/** Newest first. */
export async function listConversations(): Promise<ConversationSummary[]> {
  const summaries = await inStore("readonly", (store) => promisifyRequest<ConversationSummary[]>(store.getAll(keysWith("summary:"))));
  return summaries.toSorted((a, b) => b.updatedAt - a.updatedAt);
}

/** Conversations read at once: enough to be quick, few enough to leave the page its frames. */
const AT_ONCE = 50;

/** All of them, one after the other. */
export async function* allConversations(): AsyncGenerator<Conversation> {
  const keys = await inStore("readonly", (store) => promisifyRequest(store.getAllKeys(keysWith("conversation:"))));
  for (let at = 0; at < keys.length; at += AT_ONCE) {
    const some = await inStore("readonly", async (store) =>
      Promise.all(keys.slice(at, at + AT_ONCE).map(async (key) => promisifyRequest<StoredConversation | undefined>(store.get(key)))),
    );
    for (const stored of some) if (stored !== undefined) yield upgrade(stored);
  }
}

/** Stores a conversation that is new here, with the texts of its attachments by their ids, all or nothing. */
export async function addConversation(conversation: Conversation, texts: ReadonlyMap<string, string>): Promise<void> {
  await inStore("readwrite", (store) => {
    for (const [id, text] of texts) store.put(text, `attachment:${id}`);
    store.put(conversation, recordKey(conversation.id));
    store.put(summarise(conversation), summaryKey(conversation.id));
    return promisifyRequest(store.transaction);
  });
  tellOtherTabs(conversation.id);
}

/** Applies `change` to what is stored of a conversation, in one transaction, and tells other tabs. What it makes undefined is not written. */
export async function changeConversation(
  id: string,
  change: (stored: Conversation | undefined) => Conversation | undefined,
): Promise<void> {
  await inStore("readwrite", async (store) => {
    const stored = await promisifyRequest<StoredConversation | undefined>(store.get(recordKey(id)));
    const next = change(stored && upgrade(stored));
    if (next === undefined) return;
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
