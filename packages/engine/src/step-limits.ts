import { LongtabError } from "@longtab/errors";
import type { Timeline } from "./backend.ts";

/** @throws LongtabError `context-exceeded` where `tokens` more do not fit a context of `limit` tokens. */
export function checkRoom({ length }: Pick<Timeline, "length">, tokens: number, limit: number): void {
  if (length + tokens <= limit) return;
  throw new LongtabError({
    code: "context-exceeded",
    what: "The conversation does not fit the context",
    value: length + tokens,
    limit,
    remedy: "start a new chat, shorten the conversation, or load the model with a longer context",
  });
}

/**
 * What a timeline holds may go while steps are under way; one that comes after that would go on from a token that nobody drew.
 * @throws LongtabError `empty-prompt` where nothing is held.
 */
export function checkDrawn({ length }: Pick<Timeline, "length">): void {
  if (length > 0) return;
  throw new LongtabError({ code: "empty-prompt", what: "There is no token to go on from", remedy: "read a prompt first" });
}

/**
 * What was asked for before a rollback must not go on after it: `before` and `now` count them.
 * @throws LongtabError `aborted` where one came in between.
 */
export function checkNotRolledBack(before: number, now: number): void {
  if (before !== now) throw new LongtabError({ code: "aborted", what: "The step was rolled back before it began" });
}

/** @throws LongtabError `invalid-option` where a step of `rows` tokens cannot be scored at once. */
export function checkScoreRows({ scoreRows }: Pick<Timeline, "scoreRows">, rows: number): void {
  if (rows >= 1 && rows <= scoreRows) return;
  throw new LongtabError({ code: "invalid-option", what: "Too many or no tokens to score at once", value: rows, limit: scoreRows });
}
