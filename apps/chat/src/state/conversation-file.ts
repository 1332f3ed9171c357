import type { Attachment } from "./attachment.ts";
import type { ChatSettings } from "./chat-settings.ts";
import { type Answer, type AnswerEnd, type AnswerStats, type Conversation, pathOf, type Problem } from "./conversation.ts";

/**
 * Conversations as a file: JSON in UTF-8, version 1.
 *
 *     { "format": "longtab-conversations", "version": 1, "exportedAt": "2026-05-20T10:00:00.000Z", "conversations": [...] }
 *
 * Each conversation is a `FiledConversation`: all of its branches, its own settings, and the texts of what was attached. Ids are those of
 * the browser that wrote the file and hold within their conversation only; who reads it gives new ones. Times are milliseconds since 1970.
 * What the model held and looked at for an answer is left out: it belongs to the device.
 */
export const FORMAT = "longtab-conversations";
export const VERSION = 1;

export interface FiledConversation {
  title: string;
  /** True where a person chose the title. */
  named: boolean;
  pinned?: boolean;
  createdAt: number;
  updatedAt: number;
  settings?: ChatSettings;
  /** In the order in which they were asked: each behind its parent. */
  exchanges: FiledExchange[];
  /** By an exchange's id, or "" for the beginning: which of those that follow it is shown, where that is not the newest. */
  chosen?: Record<string, string>;
  /** Attached texts by the id of their attachment; one that was no longer stored is missing. */
  texts?: Record<string, string>;
}

export interface FiledExchange {
  id: string;
  /** The id of the exchange that this one follows; null at the beginning. */
  parent: string | null;
  question: string;
  attachments?: Attachment[];
  answer: { text: string; end: AnswerEnd; stats?: FiledStats; problem?: Problem } | null;
}

export type FiledStats = Omit<AnswerStats, "cache">;

export function toFile(conversation: Conversation, textOf: (attachmentId: string) => string | undefined): FiledConversation {
  const { id: _, exchanges, ...rest } = conversation;
  const ids = new Set(exchanges.flatMap(({ attachments = [] }) => attachments.map((attachment) => attachment.id)));
  const texts = Array.from(ids, (id) => [id, textOf(id)] as const).filter(([, text]) => text !== undefined);
  return {
    ...rest,
    exchanges: exchanges.map(({ answer, ...exchange }) => Object.assign(exchange, { answer: answer && filedAnswer(answer) })),
    ...(texts.length > 0 && { texts: Object.fromEntries(texts) as Record<string, string> }),
  };
}

function filedAnswer({ text, end, stats, problem }: Answer): FiledExchange["answer"] {
  const { cache: _, ...filed } = stats ?? { tokens: 0, tokensPerSecond: 0 };
  return { text, end, ...(stats && { stats: filed }), ...(problem && { problem }) };
}

/** A file that was exported here, by its first bytes; any other JSON is a text like others. */
export async function isConversationFile(file: Blob): Promise<boolean> {
  return (await file.slice(0, 100).text()).startsWith(`{"format":"${FORMAT}"`);
}

/** The file's text in parts, so that no string has to hold all of it. */
export function* fileParts(conversations: Iterable<FiledConversation>, now: Date): Generator<string> {
  yield `{"format":"${FORMAT}","version":${VERSION},"exportedAt":"${now.toISOString()}","conversations":[`;
  let between = "\n";
  for (const conversation of conversations) {
    yield between + JSON.stringify(conversation);
    between = ",\n";
  }
  yield "\n]}\n";
}

/** What is shown of a conversation, for reading. Attached texts are named, not repeated; other branches are left out. */
export function toMarkdown(conversation: Conversation): string {
  const { title, createdAt, settings } = conversation;
  const parts = [`# ${title}`, `*${new Date(createdAt).toISOString().slice(0, 10)}*`];
  if (settings !== undefined && settings.systemPrompt !== "") parts.push("## System prompt", settings.systemPrompt);
  for (const { question, attachments = [], answer } of pathOf(conversation)) {
    parts.push("## You");
    for (const { name, characters } of attachments)
      parts.push(`*Attached: ${name}, ${characters.toLocaleString("en")} characters, not part of this file.*`);
    if (question !== "") parts.push(question);
    if (answer !== null && answer.text !== "") parts.push("## Answer", answer.text);
  }
  return `${parts.join("\n\n")}\n`;
}

/** A name that every file system takes. */
export function fileName(title: string, ending: string): string {
  const name = title
    .normalize("NFC")
    .replace(/[^\p{L}\p{N} ._-]+/gu, " ")
    .replace(/[ .]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 60)
    .replace(/-+$/, "")
    .toWellFormed();
  return `${name === "" ? "conversation" : name}.${ending}`;
}

/** What makes a conversation the same as another: when it began, and every word of it. */
export function contentOf({ createdAt, exchanges }: Conversation): string {
  const numbers = new Map(exchanges.map(({ id }, index) => [id, index]));
  return JSON.stringify([
    createdAt,
    exchanges.map(({ parent, question, attachments = [], answer }) => [
      parent === null ? -1 : numbers.get(parent),
      question,
      attachments.map(({ name, characters }) => [name, characters]),
      answer?.text ?? null,
    ]),
  ]);
}
