import type { ContextOptions } from "@longtab/attention";
import type { Prompt } from "../prompts.ts";

/** What every runtime in Node is asked to do. */
export interface RuntimeInput {
  /** Path of the GGUF file. */
  model: string;
  /** Each is read into an empty cache, and then continued. */
  prompts: Prompt[];
  /** Tokens drawn after each prompt, besides the one that comes with it. */
  decodeTokens: number;
  /** Tokens of context that the runtime makes room for. */
  contextLength: number;
  /** What Longtab does with it; others read everything. */
  context?: ContextOptions | undefined;
  /** Of the processor, for Longtab; as many as there are cores unless told. */
  threads?: number | undefined;
}
