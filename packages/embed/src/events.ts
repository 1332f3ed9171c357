import type { LoadProgress, LongtabError, ModelInfo } from "longtab/parts";

/** A message of the conversation, once it is complete. */
export interface ChatMessageDetail {
  role: "user" | "assistant";
  content: string;
  /** Only of answers: whether the model ended them, a limit did, or a person. */
  ended?: "stop" | "length" | "stopped";
}

/** The element's events. None bubbles: an `error` that did would be taken for the page's own. */
export interface ChatEventMap {
  /** The model can be asked. */
  ready: CustomEvent<{ model: ModelInfo }>;
  progress: CustomEvent<LoadProgress>;
  message: CustomEvent<ChatMessageDetail>;
  /** Cancelable: prevented, the element shows nothing of it. */
  error: CustomEvent<{ error: LongtabError }>;
}
