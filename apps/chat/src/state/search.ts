import { computed, effect, signal } from "@preact/signals";
import { allConversations, readConversation } from "./conversation-store.ts";
import type { Conversation, ConversationSummary } from "./conversation.ts";
import { summaries } from "./conversations.ts";
import { findFolded, fold } from "./folding.ts";

/** What is searched for; nothing while it is blank. */
export const query = signal("");
/** False until every conversation has been read once. */
export const indexed = signal(false);

/** A conversation's messages, folded once. */
interface Indexed {
  updatedAt: number;
  messages: { exchangeId: string; text: string; folded: string }[];
}

export interface Hit {
  summary: ConversationSummary;
  /** Where it was found, other than in the title: the message, and what stands around the words. */
  found?: { exchangeId: string; before: string; match: string; after: string };
}

const index = signal<ReadonlyMap<string, Indexed>>(new Map());

/** Most hits that are listed: a person who sees so many types another letter. */
export const MOST_HITS = 50;

/** Conversations that have all the words, in the title or in one message, the newest first. */
export const hits = computed<Hit[]>(() => {
  const words = fold(query.value)
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return [];
  const found: Hit[] = [];
  for (const summary of summaries.value) {
    const hit = look(summary, words);
    if (hit !== undefined) found.push(hit);
    if (found.length === MOST_HITS) break;
  }
  return found;
});

function look(summary: ConversationSummary, words: readonly string[]): Hit | undefined {
  const hasAll = (folded: string): boolean => words.every((word) => folded.includes(word));
  const message = index.value.get(summary.id)?.messages.find(({ folded }) => hasAll(folded));
  if (message !== undefined) return { summary, found: { exchangeId: message.exchangeId, ...excerpt(message.text, words[0] ?? "") } };
  return hasAll(fold(summary.title)) ? { summary } : undefined;
}

/** Characters to each side of a found word that are shown. */
const BEFORE = 28;
const AFTER = 90;
/** So far into a message the place is looked for: a book is not folded letter by letter for a line of its text. */
const LOOKED_THROUGH = 200_000;

function excerpt(text: string, word: string): { before: string; match: string; after: string } {
  const { start, end } = findFolded(text.slice(0, LOOKED_THROUGH), word) ?? { start: 0, end: 0 };
  const plain = (part: string): string => part.toWellFormed().replace(/\s+/g, " ");
  const from = Math.max(0, start - BEFORE);
  return {
    before: `${from > 0 ? "…" : ""}${plain(text.slice(from, start))}`,
    match: plain(text.slice(start, end)),
    after: plain(text.slice(end, end + AFTER)),
  };
}

/** Reads conversations for the search when it is first used, and again what has changed since. */
export function startSearch(): void {
  let reading = false;
  effect(() => {
    const list = summaries.value;
    if (query.value.trim() === "" || reading) return;
    reading = true;
    // Where they cannot be read, titles are found all the same.
    void readNew(list)
      .catch(() => undefined)
      .finally(() => {
        reading = false;
        indexed.value = true;
      });
  });
}

/** Of so many characters at a time the index grows: results come while it does. */
const SHOWN_AFTER = 2_000_000;

async function readNew(list: readonly ConversationSummary[]): Promise<void> {
  const next = new Map(index.peek());
  const stale = list.filter(({ id, updatedAt }) => next.get(id)?.updatedAt !== updatedAt);
  const all = next.size === 0 ? allConversations() : someConversations(stale);
  let read = 0;
  for await (const conversation of all) {
    const entry = indexOf(conversation);
    next.set(conversation.id, entry);
    read += entry.messages.reduce((sum, { text }) => sum + text.length, 0);
    if (read < SHOWN_AFTER) continue;
    read = 0;
    index.value = new Map(next);
  }
  index.value = next;
}

async function* someConversations(list: readonly ConversationSummary[]): AsyncGenerator<Conversation> {
  for (const { id } of list) {
    const conversation = await readConversation(id).catch(() => undefined);
    if (conversation !== undefined) yield conversation;
  }
}

function indexOf({ updatedAt, exchanges }: Conversation): Indexed {
  const messages = exchanges.flatMap(({ id: exchangeId, question, answer }) =>
    [question, answer?.text ?? ""].filter((text) => text !== "").map((text) => ({ exchangeId, text, folded: fold(text) })),
  );
  return { updatedAt, messages };
}
