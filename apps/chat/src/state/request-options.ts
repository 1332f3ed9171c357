import type { ChatSettings } from "./chat-settings.ts";

/** A request's options: only what a person set, the rest is the model's own. */
export function requestOptions(settings: ChatSettings) {
  const {
    temperature,
    topP: top_p,
    topK: top_k,
    minP: min_p,
    repetitionPenalty: repetition_penalty,
    maxTokens: max_tokens,
    seed,
  } = settings;
  const chosen = { temperature, top_p, top_k, min_p, repetition_penalty, max_tokens, seed };
  const set = Object.entries(chosen).filter((option): option is [keyof typeof chosen, number] => option[1] !== null);
  return { ...Object.fromEntries(set), stream_options: { include_usage: true } };
}
