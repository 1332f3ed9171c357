import type { Metadata } from "@longtab/formats";
import { readTemplate } from "./chat-template.ts";
import { Tokenizer as Bare } from "./tokenizer.ts";

export type Tokenizer = Bare;

/** With the interpreter of all chat templates at hand; load-tokenizer.ts fetches it where it is needed. */
export const Tokenizer = {
  /** @throws LongtabError `unsupported-tokenizer` or `file-malformed`. */
  fromMetadata: (metadata: Metadata): Bare => Bare.fromMetadata(metadata, readTemplate),
};

export type { EncodeOptions } from "./tokenizer.ts";
export type { ChatOptions, Message } from "./chat.ts";
export type { DecodeOptions, StreamingDecoder } from "./decoder.ts";
