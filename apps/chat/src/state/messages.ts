import type { ChatMessage } from "../longtab.ts";
import { type Conversation, type Exchange, pathOf } from "./conversation.ts";

/** Where a part of a message's content comes from: an exchange's question, its answer, or the text of one of its attachments. */
export interface Origin {
  exchangeId: string;
  part: "question" | "answer" | { attachmentId: string };
  /** Characters of the message's content. */
  start: number;
  end: number;
}

/** What a model is given, and for each message where its parts come from. */
export interface Prompt {
  messages: ChatMessage[];
  origins: Origin[][];
}

/** The text of an attachment; undefined where it is no longer there. */
export type TextOf = (attachmentId: string) => string | undefined;

/**
 * The messages that a model is given: up to and including the question of `lastExchangeId`, or its answer so far, or all that is shown.
 * Attached texts come before their question.
 * A question that never got a word of answer is joined to the next, so that roles alternate and nothing asked is lost.
 */
export function toPrompt(
  conversation: Conversation,
  systemPrompt: string,
  textOf: TextOf,
  { lastExchangeId, withItsAnswer = false }: { lastExchangeId?: string; withItsAnswer?: boolean } = {},
): Prompt {
  const builder = new PromptBuilder();
  if (systemPrompt.trim() !== "") builder.begin("system", systemPrompt.toWellFormed());
  for (const exchange of pathOf(conversation)) {
    builder.begin("user");
    for (const { text, ...origin } of questionParts(exchange, textOf)) builder.add(text, origin);
    const { answer, id: exchangeId } = exchange;
    const last = exchangeId === lastExchangeId;
    if (answer !== null && answer.text !== "" && (!last || withItsAnswer))
      builder.begin("assistant").add(answer.text, { exchangeId, part: "answer" });
    if (last) break;
  }
  return builder.prompt;
}

interface Part extends Pick<Origin, "exchangeId" | "part"> {
  text: string;
}

function questionParts({ id: exchangeId, question, attachments = [] }: Exchange, textOf: TextOf): Part[] {
  const attached = attachments.map(({ id, name }): Part => {
    const text = textOf(id);
    return { exchangeId, part: { attachmentId: id }, text: text === undefined ? `[The text of “${name}” is missing.]` : text };
  });
  return question === "" && attached.length > 0 ? attached : [...attached, { exchangeId, part: "question", text: question }];
}

const BETWEEN = "\n\n";

class PromptBuilder {
  readonly prompt: Prompt = { messages: [], origins: [] };

  /** Goes on with the last message where it has this role. */
  begin(role: ChatMessage["role"], content = ""): this {
    if (this.prompt.messages.at(-1)?.role === role) return this;
    this.prompt.messages.push({ role, content });
    this.prompt.origins.push([]);
    return this;
  }

  add(text: string, origin: Pick<Origin, "exchangeId" | "part">): void {
    const message = this.prompt.messages.at(-1);
    const origins = this.prompt.origins.at(-1);
    if (message === undefined || origins === undefined) throw new Error("A part before its message");
    if (origins.length > 0) message.content += BETWEEN;
    const start = message.content.length;
    message.content += text;
    origins.push({ ...origin, start, end: message.content.length });
  }
}
