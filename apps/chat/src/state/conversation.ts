import type { CacheUsage } from "../longtab.ts";
import type { Attachment } from "./attachment.ts";
import type { Place } from "./passages.ts";

/**
 * A conversation as a value, and every way in which it changes. Nothing here touches the screen or the store.
 * Its unit is the exchange, a question with its answer: so roles alternate by construction, which chat templates demand.
 */
export interface Conversation {
  id: string;
  title: string;
  /** True when a person chose the title; else it follows the first question. */
  named: boolean;
  /** Milliseconds since 1970. */
  createdAt: number;
  updatedAt: number;
  exchanges: Exchange[];
}

export interface Exchange {
  id: string;
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
  /** Known of answers that came to their end. `cached`: tokens that an earlier request had already put into the cache. */
  prompt?: { tokens: number; cached: number; seconds: number };
  /** What the model held at the end. */
  cache?: CacheUsage;
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
}

export const UNTITLED = "New chat";
const TITLE_LENGTH = 48;

export function createConversation(id: string, now: number): Conversation {
  return { id, title: UNTITLED, named: false, createdAt: now, updatedAt: now, exchanges: [] };
}

export function summarise({ id, title, updatedAt }: Conversation): ConversationSummary {
  return { id, title, updatedAt };
}

/** Appends a question. */
export function ask(conversation: Conversation, exchange: Exchange, now: number): Conversation {
  return settle({ ...conversation, exchanges: [...conversation.exchanges, exchange] }, now);
}

/** Puts another question, or the same one again, in an exchange's place; its answer and all that followed are dropped. */
export function askAgain(conversation: Conversation, exchangeId: string, question: string, now: number): Conversation {
  const at = conversation.exchanges.findIndex((exchange) => exchange.id === exchangeId);
  if (at < 0) return conversation;
  const { attachments } = conversation.exchanges[at] ?? {};
  const asked = { id: exchangeId, question, ...(attachments && { attachments }), answer: null };
  const exchanges = [...conversation.exchanges.slice(0, at), asked];
  return settle({ ...conversation, exchanges }, now);
}

/** Sets an exchange's answer. An exchange that was deleted meanwhile (in another tab) stays deleted. */
export function setAnswer(conversation: Conversation, exchangeId: string, answer: Answer, now: number): Conversation {
  if (!conversation.exchanges.some((exchange) => exchange.id === exchangeId)) return conversation;
  const exchanges = conversation.exchanges.map((exchange) => (exchange.id === exchangeId ? { ...exchange, answer } : exchange));
  return settle({ ...conversation, exchanges }, now);
}

/** Removes exchanges: a question leaves together with its answer. */
export function removeExchanges(conversation: Conversation, exchangeIds: readonly string[], now: number): Conversation {
  const exchanges = conversation.exchanges.filter((exchange) => !exchangeIds.includes(exchange.id));
  return settle({ ...conversation, exchanges }, now);
}

/** Brings back what `before` had and `conversation` no longer has, each in its place; what came since stays, at the end. */
export function reinsert(conversation: Conversation, before: Conversation, now: number): Conversation {
  const latest = new Map(conversation.exchanges.map((exchange) => [exchange.id, exchange]));
  const old = before.exchanges.map((exchange) => latest.get(exchange.id) ?? exchange);
  const since = conversation.exchanges.filter(({ id }) => !before.exchanges.some((exchange) => exchange.id === id));
  return settle({ ...conversation, exchanges: [...old, ...since] }, now);
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

function derivedTitle({ exchanges }: Conversation): string {
  const [first] = exchanges;
  return titleFrom(first?.question || (first?.attachments?.[0]?.name ?? ""));
}

/** The first line with words in it, shortened at a word and never inside a grapheme. */
export function titleFrom(text: string): string {
  // A pasted book has a long first line too: what lies behind the first thousand characters cannot matter.
  const line = text
    .slice(0, 1000)
    .toWellFormed()
    .split("\n")
    .map((part) => part.replace(/\s+/g, " ").trim())
    .find((part) => part !== "");
  if (line === undefined) return UNTITLED;
  const graphemes = Array.from(new Intl.Segmenter().segment(line), (part) => part.segment);
  if (graphemes.length <= TITLE_LENGTH) return line;
  const cut = graphemes.slice(0, TITLE_LENGTH).join("");
  const lastSpace = cut.lastIndexOf(" ");
  return `${(lastSpace > cut.length / 2 ? cut.slice(0, lastSpace) : cut).replace(/[\s.,;:!?]+$/, "")}…`;
}

/**
 * The earliest exchanges to delete so that about `keepShare` of the characters remain. Never the last one, always at least one
 * where there are two: tokens are not counted per exchange, and characters are near enough to choose by.
 */
export function earliestToRemove(conversation: Conversation, keepShare: number): string[] {
  const sizes = conversation.exchanges.map(
    ({ question, attachments = [], answer }) =>
      question.length + attachments.reduce((sum, { characters }) => sum + characters, 0) + (answer?.text.length ?? 0),
  );
  let rest = sizes.reduce((sum, size) => sum + size, 0);
  const keep = keepShare * rest;
  const ids: string[] = [];
  for (const [index, { id }] of conversation.exchanges.slice(0, -1).entries()) {
    if (ids.length > 0 && rest <= keep) break;
    ids.push(id);
    rest -= sizes[index] ?? 0;
  }
  return ids;
}
