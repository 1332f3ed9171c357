import type { Usage } from "../longtab.ts";
import type { Answer, AnswerStats } from "./conversation.ts";
import type { Prompt } from "./messages.ts";
import { placesOf } from "./passages.ts";

/** Of an answer that came to its end, as the library counted it. `firstToken`: seconds. */
export function statsFrom({ prompt_tokens, prompt_tokens_details, completion_tokens, longtab }: Usage, firstToken?: number): AnswerStats {
  return {
    tokens: completion_tokens,
    tokensPerSecond: longtab.decode_tokens_per_second,
    ...(firstToken !== undefined && { firstToken }),
    prompt: { tokens: prompt_tokens, cached: prompt_tokens_details.cached_tokens, seconds: longtab.prefill_seconds },
    cache: { tokens: longtab.context_tokens, bytes: longtab.kv_bytes, pages: longtab.pages },
  };
}

/**
 * Of an answer that was broken off, as far as the page saw it: `seconds` passed since its first token, which comes with the prompt. Nothing
 * where several tokens came at once and no time has passed on a browser's coarse clock.
 */
export function liveStats(tokens: number, seconds: number, firstToken: number): { stats?: AnswerStats } {
  return tokens < 2 || seconds <= 0 ? {} : { stats: { tokens, tokensPerSecond: (tokens - 1) / seconds, firstToken } };
}

/** What the answer looked at and could not see, where that is anything. */
export function viewFrom(
  { longtab: { retrieved, forgotten, far } }: Usage,
  origins: Prompt["origins"],
): Pick<Answer, "looked" | "outOfView" | "farBack"> {
  const [looked, outOfView, farBack] = [placesOf(retrieved, origins), placesOf(forgotten, origins), placesOf(far, origins)];
  return { ...(looked.length > 0 && { looked }), ...(outOfView.length > 0 && { outOfView }), ...(farBack.length > 0 && { farBack }) };
}
