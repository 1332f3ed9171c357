import type { Passage } from "../longtab.ts";
import { type Conversation, pathOf } from "./conversation.ts";
import type { Origin } from "./messages.ts";

/** Characters of a part of a conversation: of a question, an answer or an attached text. */
export interface Place extends Pick<Origin, "exchangeId" | "part"> {
  start: number;
  end: number;
}

/** Where passages of a prompt's messages lie in the conversation; what belongs to neither question, answer nor attachment is left out. */
export function placesOf(passages: readonly Passage[], origins: readonly (readonly Origin[])[]): Place[] {
  return passages.flatMap((passage) =>
    (origins[passage.message] ?? []).flatMap(({ exchangeId, part, start, end }) => {
      const [from, to] = [Math.max(passage.start, start), Math.min(passage.end, end)];
      return from < to ? [{ exchangeId, part, start: from - start, end: to - start }] : [];
    }),
  );
}

/** Where the model's view begins, or what it can only look up ends: at an exchange, some of which may be on the other side. */
export interface ViewBoundary {
  exchangeId: string;
  partly: boolean;
}

/** By what the last answer could no longer see, or only look up; null where that is nothing. */
export function viewBoundary(conversation: Conversation, of: "outOfView" | "farBack"): ViewBoundary | null {
  const exchanges = pathOf(conversation);
  const answers = exchanges.flatMap(({ answer }) => (answer === null ? [] : [answer]));
  // An answer that was broken off does not know.
  const last = answers.findLast(({ stats }) => stats?.prompt !== undefined)?.[of]?.at(-1);
  const at = exchanges.findIndex(({ id }) => id === last?.exchangeId);
  const exchange = exchanges[at];
  if (last === undefined || exchange === undefined) return null;
  const next = exchanges[at + 1];
  // Of an answer that is forgotten to its last word nothing is in view; a space may be left.
  const whole = last.part === "answer" && last.end >= (exchange.answer?.text.trimEnd().length ?? 0);
  return whole && next !== undefined ? { exchangeId: next.id, partly: false } : { exchangeId: exchange.id, partly: true };
}
