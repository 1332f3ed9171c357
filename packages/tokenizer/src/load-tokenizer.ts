import type { Metadata } from "@longtab/formats";
import { fetchPart } from "@longtab/origin";
import { CHATML } from "./chat.ts";
import { readChatMl } from "./chatml.ts";
import { Tokenizer, chatTemplateOf } from "./tokenizer.ts";

/**
 * As `Tokenizer.fromMetadata`, but the interpreter of chat templates is fetched only for a template that needs one.
 * @throws LongtabError `unsupported-tokenizer`, `file-malformed`, `network-failed`, `policy-blocked`.
 */
export async function loadTokenizer(metadata: Metadata): Promise<Tokenizer> {
  const simple = readChatMl(chatTemplateOf(metadata) ?? CHATML);
  if (simple) return Tokenizer.fromMetadata(metadata, () => simple);
  const { readTemplate } = await fetchPart("The part of Longtab that reads chat templates", async () => import("./chat-template.ts"));
  return Tokenizer.fromMetadata(metadata, readTemplate);
}
