import { type Conversation, type Exchange, pathOf, showing } from "./conversation.ts";
import type { Place } from "./passages.ts";

/** One of several, by number: the first is 1. */
export interface Version {
  at: number;
  of: number;
  /** Exchanges to show instead; going on from the last comes to the first. */
  previous: string;
  next: string;
}

/** An exchange among its siblings: which of the questions asked in its place it asks, and which of the answers to that one it has. */
export interface Versions {
  question: Version | null;
  answer: Version | null;
}

export function versionsOf({ exchanges }: Conversation, { id, parent, ...exchange }: Exchange): Versions {
  const siblings = exchanges.filter((other) => other.parent === parent);
  if (siblings.length < 2) return { question: null, answer: null };
  const asked = keyOf(exchange);
  const answers = siblings.filter((other) => keyOf(other) === asked);
  // A question is shown by the newest of its answers, and stands where that does.
  const newest = new Map(siblings.map((other, index) => [keyOf(other), index]));
  const questions = siblings.filter((other, index) => newest.get(keyOf(other)) === index);
  return {
    question: versionAt(questions, (other) => keyOf(other) === asked),
    answer: versionAt(answers, (other) => other.id === id),
  };
}

function versionAt(list: readonly Exchange[], isIt: (exchange: Exchange) => boolean): Version | null {
  const { length } = list;
  const at = list.findIndex(isIt);
  const [previous, next] = [list[(at + length - 1) % length], list[(at + 1) % length]];
  return length < 2 || previous === undefined || next === undefined
    ? null
    : { at: at + 1, of: length, previous: previous.id, next: next.id };
}

/** Equal for the same question with the same attachments. */
function keyOf({ question, attachments = [] }: Pick<Exchange, "question" | "attachments">): string {
  return JSON.stringify([question, ...attachments.map(({ id }) => id)]);
}

/** Shows an exchange, with what leads to it, and behind it what was last shown there. */
export function showExchange(conversation: Conversation, exchangeId: string): Conversation {
  const byId = new Map(conversation.exchanges.map((exchange) => [exchange.id, exchange]));
  const way: Exchange[] = [];
  for (let at = byId.get(exchangeId); at !== undefined; at = at.parent === null ? undefined : byId.get(at.parent)) way.push(at);
  return showing(conversation, way);
}

/** What is shown up to an exchange, as a conversation of its own: its exchanges have new ids, its attachments stay the same texts. */
export function branchOff(conversation: Conversation, exchangeId: string, newId: () => string, now: number): Conversation {
  const path = pathOf(conversation);
  const exchanges = path.slice(0, path.findIndex(({ id }) => id === exchangeId) + 1);
  const { chosen: _, pinned: _pinned, ...rest } = conversation;
  return withNewIds({ ...rest, id: newId(), createdAt: now, updatedAt: now, exchanges }, newId);
}

/** The same conversation with other ids for its exchanges, wherever they are named; a place in an exchange that is not there is left out. */
export function withNewIds(conversation: Conversation, newId: () => string): Conversation {
  const ids = new Map(conversation.exchanges.map(({ id }) => [id, newId()]));
  const places = (list: readonly Place[]): Place[] =>
    list.flatMap((place) => {
      const exchangeId = ids.get(place.exchangeId);
      return exchangeId === undefined ? [] : [{ ...place, exchangeId }];
    });
  const exchanges = conversation.exchanges.map(({ id, parent, answer, ...exchange }): Exchange => {
    if (answer === null) return { ...exchange, id: ids.get(id) ?? id, parent: ids.get(parent ?? "") ?? null, answer };
    const { looked, outOfView, farBack } = answer;
    return {
      ...exchange,
      id: ids.get(id) ?? id,
      parent: ids.get(parent ?? "") ?? null,
      answer: {
        ...answer,
        ...(looked && { looked: places(looked) }),
        ...(outOfView && { outOfView: places(outOfView) }),
        ...(farBack && { farBack: places(farBack) }),
      },
    };
  });
  const chosen = Object.entries(conversation.chosen ?? {}).map(([parent, id]) => [ids.get(parent) ?? "", ids.get(id) ?? ""] as const);
  return { ...conversation, exchanges, ...(chosen.length > 0 && { chosen: Object.fromEntries(chosen) }) };
}
