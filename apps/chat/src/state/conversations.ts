import { computed, signal } from "@preact/signals";
import { Longtab } from "../longtab.ts";
import { bringTextsOf, keepTextsOf, sweepSoon } from "./attached-texts.ts";
import { changeConversation, deleteConversation, listConversations, onOtherTabsChange, readConversation } from "./conversation-store.ts";
import { branchOff, showExchange } from "./branches.ts";
import {
  type Conversation,
  type ConversationSummary,
  createConversation,
  earliestToRemove,
  pathOf,
  reinsert,
  removeExchanges,
  rename,
  summarise,
} from "./conversation.ts";
import { draftFor, forgottenDraft, putUnsent, startDrafts, takeUnsent, type Unsent } from "./drafts.ts";
import { newId } from "./new-id.ts";
import { notify } from "./notices.ts";

/** The conversation on screen, the list beside it, and their way to and from the store. */
export const current = signal<Conversation>(createConversation(newId(), Date.now()));
export const summaries = signal<ConversationSummary[]>([]);
/** False when the browser refused to store a conversation: it then lasts as long as the tab. */
export const keeps = signal(true);
/** Conversations whose last change could not be stored. */
const unstored = new Map<string, Conversation>();
/** Counts the changes of this tab: what was read before the last of them is out of date. */
let changes = 0;
/** Counts what the person asked to see: a conversation that comes late does not take the place of a later one. */
let opening = 0;
/** The exchanges on screen, of all that the conversation has. */
export const shownExchanges = computed(() => pathOf(current.value));
export const isEmpty = computed(() => shownExchanges.value.length === 0);

const ADDRESS = /^#\/chat\/([\w-]+)$/;

/** Opens what the address names, else a text that was never sent, else a new conversation. */
export async function startConversations(): Promise<void> {
  addEventListener("hashchange", () => void openAddress());
  onOtherTabsChange((id) => void followOtherTab(id));
  await startDrafts().catch(() => {
    keeps.value = false;
  });
  await refreshList();
  const named = ADDRESS.exec(location.hash)?.[1];
  const id = named ?? forgottenDraft(summaries.peek());
  if (id !== undefined) await openConversation(id);
  else showAddress();
}

async function openAddress(): Promise<void> {
  const id = ADDRESS.exec(location.hash)?.[1];
  if (id === current.peek().id) opening++;
  else if (id !== undefined) await openConversation(id);
}

/** Shows a conversation; an id that is not stored is a new one's. */
export async function openConversation(id: string): Promise<void> {
  const mine = ++opening;
  const found = await latest(id);
  if (mine === opening) show(found ?? createConversation(id, Date.now()));
}

function show(conversation: Conversation): void {
  opening++;
  current.value = conversation;
  showAddress();
}

/** A conversation with its texts at hand, as it is after every change that this tab has begun until it is there. */
async function latest(id: string): Promise<Conversation | undefined> {
  for (;;) {
    const before = changes;
    const found = await findConversation(id);
    if (found !== undefined) await bringTextsOf(found);
    if (before === changes) return found;
  }
}

export async function findConversation(id: string): Promise<Conversation | undefined> {
  return unstored.get(id) ?? (await readConversation(id).catch(() => undefined));
}

/** A new conversation; an empty one is as good as new, and one that was begun and never sent comes back with its text. */
export function newConversation(): void {
  // Not a stored one: nothing is read, and the next key already falls into the new one.
  show(isEmpty.peek() ? current.peek() : createConversation(forgottenDraft(summaries.peek()) ?? newId(), Date.now()));
}

function showAddress(): void {
  const address = `#/chat/${current.peek().id}`;
  if (location.hash === "") history.replaceState(null, "", address);
  else if (location.hash !== address) history.pushState(null, "", address);
}

/** Applies a change to what is on screen at once, and to what is stored. Of a conversation deleted elsewhere what is on screen is stored. */
export async function change(id: string, apply: (conversation: Conversation) => Conversation): Promise<void> {
  const shown = current.peek();
  await changeAll(id, apply, shown.id === id ? shown : undefined);
}

/** The same for what no person does: a conversation deleted meanwhile stays deleted. */
export async function changeStored(id: string, apply: (conversation: Conversation) => Conversation): Promise<void> {
  await changeAll(id, apply, undefined);
}

/** `fallback`: what is changed where nothing is stored. */
async function changeAll(
  id: string,
  apply: (conversation: Conversation) => Conversation,
  fallback: Conversation | undefined,
): Promise<void> {
  changes++;
  const shown = current.peek();
  if (shown.id === id) current.value = apply(shown);
  try {
    await changeConversation(id, (stored) => {
      const base = unstored.get(id) ?? stored ?? fallback;
      return base && apply(base);
    });
    unstored.delete(id);
    keeps.value = true;
  } catch {
    // It need not be on screen: then what is stored of it is what there is.
    const stored = await readConversation(id).catch(() => undefined);
    const base = unstored.get(id) ?? fallback ?? stored;
    if (base !== undefined) unstored.set(id, apply(base));
    changes++;
    keeps.value = false;
  }
  await refreshList();
}

export async function refreshList(): Promise<void> {
  const stored = await listConversations().catch(() => []);
  const inMemory = [...unstored.values()].map(summarise);
  summaries.value = [...inMemory, ...stored.filter(({ id }) => !unstored.has(id))].toSorted((a, b) => b.updatedAt - a.updatedAt);
}

async function followOtherTab(id: string): Promise<void> {
  await refreshList();
  if (current.peek().id !== id) return;
  const stored = await latest(id);
  // Deleted elsewhere: what is on screen stays until the person leaves it.
  if (stored !== undefined && current.peek().id === id) current.value = stored;
}

/** Conversations of which more is here than is stored, by their ids. */
export function unstoredConversations(): ReadonlyMap<string, Conversation> {
  return new Map(unstored);
}

export function renameConversation(id: string, name: string): Promise<void> {
  return change(id, (conversation) => rename(conversation, name));
}

/** At the top of the list, or no longer. */
export function pinConversation(id: string, pinned: boolean): Promise<void> {
  return change(id, (conversation) => {
    const { pinned: _, ...rest } = conversation;
    return pinned ? { ...rest, pinned } : rest;
  });
}

/** Shows another version of a message, or what leads to one, with what followed it. Nothing is changed but what is shown. */
export function showVersion(exchangeId: string): Promise<void> {
  return change(current.peek().id, (conversation) => showExchange(conversation, exchangeId));
}

/** Goes on from an exchange in a conversation of its own; this one stays as it is. */
export async function branchIntoNewConversation(exchangeId: string): Promise<void> {
  const branch = branchOff(current.peek(), exchangeId, newId, Date.now());
  show(branch);
  await change(branch.id, (conversation) => conversation);
  notify("This is a new conversation, up to the message that you chose. The other one is as it was.");
}

export async function removeConversation(id: string): Promise<void> {
  const conversation = await latest(id);
  const unsent = takeUnsent(id);
  // Left before it is deleted, and for another id: nothing that is done from now on belongs to it.
  if (current.peek().id === id) show(createConversation(forgottenDraft(summaries.peek()) ?? newId(), Date.now()));
  changes++;
  unstored.delete(id);
  await deleteConversation(id).catch(() => undefined);
  // What the model read of it goes at once: it can be read again.
  void Longtab.sessions.delete(id).catch(() => undefined);
  await refreshList();
  sweepSoon();
  if (conversation !== undefined) notify("Conversation deleted.", () => void restore(conversation, unsent));
}

async function restore(conversation: Conversation, unsent: Unsent): Promise<void> {
  show(conversation);
  await change(conversation.id, (stored) => stored);
  await keepTextsOf(conversation);
  await putUnsent(conversation.id, unsent);
}

export async function removeExchange(exchangeId: string): Promise<void> {
  await removeWithUndo([exchangeId], "Message and answer deleted.");
}

/** Makes room in the model's context: about half of the conversation's text goes, the earliest first. */
export async function removeEarliest(): Promise<void> {
  const ids = earliestToRemove(current.peek(), 0.5);
  if (ids.length === 0) return;
  await removeWithUndo(
    ids,
    ids.length === 1
      ? "The first message and its answer were deleted."
      : `The first ${ids.length} messages and their answers were deleted.`,
  );
}

async function removeWithUndo(exchangeIds: readonly string[], text: string): Promise<void> {
  const before = current.peek();
  await change(before.id, (conversation) => removeExchanges(conversation, exchangeIds, Date.now()));
  sweepSoon();
  notify(text, () => void bringBack(before));
}

/** What was deleted of a conversation. */
async function bringBack(before: Conversation): Promise<void> {
  await change(before.id, (conversation) => reinsert(conversation, before, Date.now()));
  await keepTextsOf(before);
}

/** The text in the composer of the conversation on screen. */
export const draft = computed(() => draftFor(current.value.id).value);
