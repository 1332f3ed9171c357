import { promisifyRequest } from "idb-keyval";
import type { Attachment } from "./attachment.ts";
import { inStore, keysWith } from "./conversation-store.ts";
import type { Conversation } from "./conversation.ts";

/**
 * Attached texts in IndexedDB, each a record of its own, because a conversation is written anew every few seconds and a book is not. Texts
 * that wait in a message field are listed by conversation, so that they outlast a reload as the typed words do.
 */
const textKey = (id: string) => `attachment:${id}`;
const waitingKey = (conversationId: string) => `attached:${conversationId}`;
const withoutPrefix = (key: IDBValidKey) => (typeof key === "string" ? key.slice(key.indexOf(":") + 1) : "");

export function readText(id: string): Promise<string | undefined> {
  return inStore("readonly", (store) => promisifyRequest<string | undefined>(store.get(textKey(id))));
}

/** Stores texts by the ids of their attachments. */
export function writeTexts(texts: ReadonlyMap<string, string>): Promise<void> {
  return inStore("readwrite", (store) => {
    for (const [id, text] of texts) store.put(text, textKey(id));
    return promisifyRequest(store.transaction);
  });
}

/** Stores what waits in a message field; `added` is the text of one of them that is new. */
export function writeWaiting(conversationId: string, waiting: readonly Attachment[], added?: { id: string; text: string }): Promise<void> {
  return inStore("readwrite", (store) => {
    if (added !== undefined) store.put(added.text, textKey(added.id));
    if (waiting.length === 0) store.delete(waitingKey(conversationId));
    else store.put(waiting, waitingKey(conversationId));
    return promisifyRequest(store.transaction);
  });
}

export function readWaiting(): Promise<Map<string, Attachment[]>> {
  return inStore("readonly", async (store) => {
    const range = keysWith("attached:");
    const keys = promisifyRequest(store.getAllKeys(range));
    const lists = promisifyRequest<Attachment[][]>(store.getAll(range));
    const ids = (await keys).map(withoutPrefix);
    const values = await lists;
    return new Map(ids.map((id, index) => [id, values[index] ?? []]));
  });
}

/** Deletes every text that no conversation and no message field refers to, in one transaction with the look at them. */
export function sweepTexts(): Promise<void> {
  return inStore("readwrite", async (store) => {
    const keys = await promisifyRequest(store.getAllKeys(keysWith("attachment:")));
    if (keys.length === 0) return;
    const conversations = await promisifyRequest<Conversation[]>(store.getAll(keysWith("conversation:")));
    const waiting = await promisifyRequest<Attachment[][]>(store.getAll(keysWith("attached:")));
    const attached = [...conversations.flatMap(({ exchanges }) => exchanges.map(({ attachments = [] }) => attachments)), ...waiting];
    const used = new Set(attached.flat().map(({ id }) => id));
    for (const key of keys) if (!used.has(withoutPrefix(key))) store.delete(key);
    await promisifyRequest(store.transaction);
  });
}
