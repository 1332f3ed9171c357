import type { CacheUsage } from "../longtab.ts";
import type { Attachment } from "./attachment.ts";
import type { ChatSettings } from "./chat-settings.ts";
import type { Place } from "./passages.ts";
import { titleFrom, UNTITLED } from "./titles.ts";

/**
 * A conversation as a value, and every way in which it changes. Nothing here touches the screen or the store.
 * Its unit is the exchange, a question with its answer: so roles alternate by construction, which chat templates demand. Exchanges form a
 * tree: an edited question, or the same one answered again, stands beside the first, and what followed either stays with it. One path
 * through the tree is shown (branches.ts).
 */
export interface Conversation {
  id: string;
  title: string;
  /** True when a person chose the title; else it follows the first question. */
  named: boolean;
  /** Kept at the top of the list. */
  pinned?: boolean;
  /** Milliseconds since 1970. */
  createdAt: number;
  updatedAt: number;
  /** Undefined until its first question is asked; until then the defaults hold. */
  settings?: ChatSettings;
  /** All of them, in the order in which they were asked: each behind its parent. */
  exchanges: Exchange[];
  /** By an exchange's id, or "" for the beginning: which of those that follow it is shown, where that is not the newest. */
  chosen?: Record<string, string>;
}

export interface Exchange {
  id: string;
  /** The exchange that this one follows; null at the beginning. */
  parent: string | null;
  question: string;
  /** Texts that the question is about. */
  attachments?: Attachment[];
  answer: Answer | null;
}

/** How an answer ended. "interrupted": the tab closed, or is still writing it elsewhere. */
export type AnswerEnd = "complete" | "stopped" | "length" | "interrupted" | "failed";

export interface Answer {
  text: string;
  end: AnswerEnd;
  stats?: AnswerStats;
  /** What the model looked up for it, what it could no longer see, and what it could only look up. */
  looked?: Place[];
  outOfView?: Place[];
  farBack?: Place[];
  problem?: Problem;
}

export interface AnswerStats {
  tokens: number;
  tokensPerSecond: number;
  /** From the question to the first token; seconds. */
  firstToken?: number;
  /** Known of answers that came to their end. `cached`: tokens that an earlier request had already put into the cache. */
  prompt?: { tokens: number; cached: number; seconds: number };
  /** What the model held at the end. */
  cache?: StoredCache;
}

/** What the model held, as it is stored: answers from before pages could be away do not say how many were. */
export interface StoredCache extends Omit<CacheUsage, "pages"> {
  pages: Omit<CacheUsage["pages"], "away"> & { away?: number };
}

/** A failure as it is shown and stored. `code` is LongtabError's. */
export interface Problem {
  code: string;
  what: string;
  remedy?: string;
}

/** What the sidebar shows of a conversation. */
export interface ConversationSummary {
  id: string;
  title: string;
  updatedAt: number;
  pinned?: boolean;
}

export function createConversation(id: string, now: number): Conversation {
  return { id, title: UNTITLED, named: false, createdAt: now, updatedAt: now, exchanges: [] };
}

export function summarise({ id, title, updatedAt, pinned }: Conversation): ConversationSummary {
  return { id, title, updatedAt, ...(pinned === true && { pinned }) };
}

/** The exchanges on screen, first to last. */
export function pathOf({ exchanges, chosen = {} }: Pick<Conversation, "exchanges" | "chosen">): Exchange[] {
  const followers = new Map<string, Exchange[]>();
  for (const exchange of exchanges) {
    const siblings = followers.get(exchange.parent ?? "");
    if (siblings === undefined) followers.set(exchange.parent ?? "", [exchange]);
    else siblings.push(exchange);
  }
  const path: Exchange[] = [];
  for (let at = ""; ;) {
    const next = followers.get(at);
    const shown = next?.find(({ id }) => id === chosen[at]) ?? next?.at(-1);
    if (shown === undefined) return path;
    path.push(shown);
    at = shown.id;
  }
}

/** A question with what goes with it; where it stands in the conversation is decided when it is asked. */
export type Asked = Omit<Exchange, "parent">;

/** Appends a question to what is shown. `defaults` become the settings of a conversation that begins. */
export function ask(conversation: Conversation, asked: Asked, defaults: ChatSettings, now: number): Conversation {
  const parent = pathOf(conversation).at(-1)?.id ?? null;
  return settle(add({ settings: defaults, ...conversation }, { ...asked, parent }), now);
}

/** Puts a question beside an exchange, an edited one or the same one again, and shows it: a new branch. */
export function askBeside(conversation: Conversation, exchangeId: string, asked: Asked, now: number): Conversation {
  const beside = conversation.exchanges.find(({ id }) => id === exchangeId);
  return beside === undefined ? conversation : settle(add(conversation, { ...asked, parent: beside.parent }), now);
}

/** The newest of its siblings is the one that is shown. */
function add(conversation: Conversation, exchange: Exchange): Conversation {
  const chosen = { ...conversation.chosen };
  delete chosen[exchange.parent ?? ""];
  return withChosen({ ...conversation, exchanges: [...conversation.exchanges, exchange] }, chosen);
}

/** Sets an exchange's answer. An exchange that was deleted meanwhile (in another tab) stays deleted. */
export function setAnswer(conversation: Conversation, exchangeId: string, answer: Answer | null, now: number): Conversation {
  if (!conversation.exchanges.some((exchange) => exchange.id === exchangeId)) return conversation;
  const exchanges = conversation.exchanges.map((exchange) => (exchange.id === exchangeId ? { ...exchange, answer } : exchange));
  return settle({ ...conversation, exchanges }, now);
}

/** Removes exchanges: a question leaves together with its answer; what followed it then follows what stood before it. */
export function removeExchanges(conversation: Conversation, exchangeIds: readonly string[], now: number): Conversation {
  const path = pathOf(conversation);
  const parents = new Map(conversation.exchanges.map(({ id, parent }) => [id, parent]));
  const gone = new Set(exchangeIds);
  const kept = (parent: string | null): string | null => {
    let at = parent;
    while (at !== null && gone.has(at)) at = parents.get(at) ?? null;
    return at;
  };
  const exchanges = conversation.exchanges
    .filter(({ id }) => !gone.has(id))
    .map(({ parent, ...exchange }): Exchange => Object.assign(exchange, { parent: kept(parent) }));
  return settle(showing({ ...conversation, exchanges }, path), now);
}

/** Brings back what `before` had and `conversation` no longer has, each in its place; what was asked since stays where it was asked. */
export function reinsert(conversation: Conversation, before: Conversation, now: number): Conversation {
  const latest = new Map(conversation.exchanges.map((exchange) => [exchange.id, exchange]));
  const old = before.exchanges.map((exchange) => ({ ...(latest.get(exchange.id) ?? exchange), parent: exchange.parent }));
  const since = conversation.exchanges.filter(({ id }) => !before.exchanges.some((exchange) => exchange.id === id));
  return settle(showing({ ...conversation, exchanges: [...old, ...since] }, [...pathOf(before), ...since]), now);
}

/** Shows these exchanges, as far as they are there, and elsewhere what was shown before. */
export function showing(conversation: Conversation, exchanges: readonly Pick<Exchange, "id">[]): Conversation {
  const chosen = { ...conversation.chosen };
  const byId = new Map(conversation.exchanges.map((exchange) => [exchange.id, exchange]));
  const newest = new Map(conversation.exchanges.map(({ id, parent }) => [parent ?? "", id]));
  for (const { id } of exchanges) {
    const exchange = byId.get(id);
    if (exchange !== undefined) chosen[exchange.parent ?? ""] = id;
  }
  return withChosen(
    conversation,
    Object.fromEntries(Object.entries(chosen).filter(([parent, id]) => byId.has(id) && newest.get(parent) !== id)),
  );
}

function withChosen(before: Conversation, chosen: Record<string, string>): Conversation {
  const { chosen: _, ...conversation } = before;
  return Object.keys(chosen).length === 0 ? conversation : { ...conversation, chosen };
}

/** Names a conversation; an empty name gives the title back to the first question. */
export function rename(conversation: Conversation, name: string): Conversation {
  const title = titleFrom(name);
  return title === UNTITLED
    ? { ...conversation, named: false, title: derivedTitle(conversation) }
    : { ...conversation, named: true, title };
}

function settle(conversation: Conversation, now: number): Conversation {
  return { ...conversation, title: conversation.named ? conversation.title : derivedTitle(conversation), updatedAt: now };
}

function derivedTitle(conversation: Conversation): string {
  const [first] = pathOf(conversation);
  return titleFrom(first?.question || (first?.attachments?.[0]?.name ?? ""));
}

/**
 * The earliest exchanges to delete so that about `keepShare` of the characters shown remain. Never the last one, always at least one
 * where there are two: tokens are not counted per exchange, and characters are near enough to choose by.
 */
export function earliestToRemove(conversation: Conversation, keepShare: number): string[] {
  const path = pathOf(conversation);
  const sizes = path.map(
    ({ question, attachments = [], answer }) =>
      question.length + attachments.reduce((sum, { characters }) => sum + characters, 0) + (answer?.text.length ?? 0),
  );
  let rest = sizes.reduce((sum, size) => sum + size, 0);
  const keep = keepShare * rest;
  const ids: string[] = [];
  for (const [index, { id }] of path.slice(0, -1).entries()) {
    if (ids.length > 0 && rest <= keep) break;
    ids.push(id);
    rest -= sizes[index] ?? 0;
  }
  return ids;
}
