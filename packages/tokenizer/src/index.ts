export { Tokenizer } from "./tokenizer.ts";
export type { EncodeOptions } from "./tokenizer.ts";
export type { ChatOptions, Message } from "./chat.ts";
export type { DecodeOptions, StreamingDecoder } from "./decoder.ts";
