import { LongtabError } from "../longtab.ts";
import { type Attachment, MOST_ATTACHED, MOST_CHARACTERS, MOST_NAME } from "./attachment.ts";
import { readChatSettings } from "./chat-settings.ts";
import type { Answer, AnswerEnd, Conversation, Exchange } from "./conversation.ts";
import { type FiledStats, FORMAT, VERSION } from "./conversation-file.ts";
import { MOST_TITLE } from "./titles.ts";

/** A conversation of a file, checked: with the file's ids, which hold within it. */
export interface ReadFile {
  conversation: Conversation;
  /** By the id of their attachment. */
  texts: Map<string, string>;
}

/** Bytes. It is read as one string, of which browsers take about 500 million characters, and then lies in memory a second time. */
export const MOST_FILE_BYTES = 256e6;
/** More than a person can have had: an hour each would be seven years of nights. */
const MOST_CONVERSATIONS = 20_000;
/** A list of so many is still read and drawn in a moment. */
const MOST_EXCHANGES = 10_000;
const MOST_ID = 100;
/** Milliseconds since 1970 that a date can be made of. */
const LAST_TIME = 8.64e15;

const ENDS: readonly AnswerEnd[] = ["complete", "stopped", "length", "interrupted", "failed"];

/** The conversations of a file, not yet checked. @throws LongtabError `file-malformed`, `file-limit`, `unsupported-version`. */
export function readHeader(json: string): unknown[] {
  const { format, version, conversations } = object(parse(json), "The file");
  if (format !== FORMAT) {
    throw new LongtabError({
      code: "file-malformed",
      what: "This is not a file of conversations",
      value: `format ${short(format)}`,
      limit: FORMAT,
      remedy: "choose a file that was exported from Longtab as JSON",
    });
  }
  if (version !== VERSION) {
    throw new LongtabError({
      code: "unsupported-version",
      what: "This file is of another version than this page reads",
      value: `version ${short(version)}`,
      limit: `version ${VERSION}`,
      remedy: "reload the page for its newest version, or export the file anew",
    });
  }
  return list(conversations, "conversations", MOST_CONVERSATIONS);
}

/** One of them, field by field. @throws LongtabError `file-malformed`, `file-limit`. */
export function readFiled(value: unknown, path: string): ReadFile {
  const { title, named, pinned, createdAt, updatedAt, settings, exchanges, chosen, texts } = object(value, path);
  const read: Exchange[] = [];
  const ids = new Set<string>();
  for (const [index, item] of list(exchanges, `${path}.exchanges`, MOST_EXCHANGES).entries()) {
    const exchange = readExchange(item, `${path}.exchanges[${index}]`, ids);
    ids.add(exchange.id);
    read.push(exchange);
  }
  return {
    conversation: {
      id: "",
      title: text(title, `${path}.title`, MOST_TITLE),
      named: named === true,
      ...(pinned === true && { pinned }),
      createdAt: number(createdAt, `${path}.createdAt`, LAST_TIME),
      updatedAt: number(updatedAt, `${path}.updatedAt`, LAST_TIME),
      ...(settings !== undefined && { settings: readChatSettings(object(settings, `${path}.settings`)) }),
      exchanges: read,
      ...(chosen !== undefined && { chosen: readChosen(chosen, `${path}.chosen`, read) }),
    },
    texts: readTexts(texts ?? {}, `${path}.texts`, read),
  };
}

function readExchange(value: unknown, path: string, before: ReadonlySet<string>): Exchange {
  const { id, parent, question, attachments, answer } = object(value, path);
  const exchange = { id: text(id, `${path}.id`, MOST_ID), parent: parent === null ? null : text(parent, `${path}.parent`, MOST_ID) };
  if (exchange.id === "" || before.has(exchange.id)) throw malformed(`${path}.id`, exchange.id, "an id that no other has");
  // A parent stands before what follows it: so there are no circles.
  if (exchange.parent !== null && !before.has(exchange.parent))
    throw malformed(`${path}.parent`, exchange.parent, "the id of an exchange before this one");
  const attached = attachments === undefined ? [] : list(attachments, `${path}.attachments`, MOST_ATTACHED);
  return {
    ...exchange,
    question: text(question, `${path}.question`, MOST_CHARACTERS),
    ...(attached.length > 0 && { attachments: attached.map((item, index) => readAttachment(item, `${path}.attachments[${index}]`)) }),
    answer: answer === null ? null : readAnswer(answer, `${path}.answer`),
  };
}

function readAttachment(value: unknown, path: string): Attachment {
  const { id, name, characters } = object(value, path);
  return {
    id: text(id, `${path}.id`, MOST_ID),
    name: text(name, `${path}.name`, MOST_NAME),
    characters: number(characters, `${path}.characters`, MOST_CHARACTERS),
  };
}

function readAnswer(value: unknown, path: string): Answer {
  const { text: words, end, stats, problem } = object(value, path);
  const known = ENDS.find((one) => one === end);
  if (known === undefined) throw malformed(`${path}.end`, end, ENDS.join(", "));
  return {
    text: text(words, `${path}.text`, MOST_CHARACTERS),
    end: known,
    ...(stats !== undefined && { stats: readStats(stats, `${path}.stats`) }),
    ...(problem !== undefined && { problem: readProblem(problem, `${path}.problem`) }),
  };
}

function readStats(value: unknown, path: string): FiledStats {
  const { tokens, tokensPerSecond, firstToken, prompt } = object(value, path);
  const figure = (of: unknown, name: string): number => number(of, `${path}.${name}`, Number.MAX_SAFE_INTEGER);
  const stats = { tokens: figure(tokens, "tokens"), tokensPerSecond: figure(tokensPerSecond, "tokensPerSecond") };
  const first = firstToken === undefined ? {} : { firstToken: figure(firstToken, "firstToken") };
  if (prompt === undefined) return { ...stats, ...first };
  const { tokens: read, cached, seconds } = object(prompt, `${path}.prompt`);
  const of = { tokens: figure(read, "prompt.tokens"), cached: figure(cached, "prompt.cached"), seconds: figure(seconds, "prompt.seconds") };
  return { ...stats, ...first, prompt: of };
}

function readProblem(value: unknown, path: string): NonNullable<Answer["problem"]> {
  const { code, what, remedy } = object(value, path);
  const words = (of: unknown, name: string): string => text(of, `${path}.${name}`, 10 * MOST_NAME);
  return { code: words(code, "code"), what: words(what, "what"), ...(remedy !== undefined && { remedy: words(remedy, "remedy") }) };
}

function readChosen(value: unknown, path: string, exchanges: readonly Exchange[]): Record<string, string> {
  // By id: a file may name millions.
  const parents = new Map<unknown, string>(exchanges.map(({ id, parent }) => [id, parent ?? ""]));
  const known = Object.entries(object(value, path)).filter(([parent, id]) => parents.get(id) === parent);
  return Object.fromEntries(known) as Record<string, string>;
}

function readTexts(value: unknown, path: string, exchanges: readonly Exchange[]): Map<string, string> {
  const ids = new Set(exchanges.flatMap(({ attachments = [] }) => attachments.map(({ id }) => id)));
  const entries = Object.entries(object(value, path)).filter(([id]) => ids.has(id));
  return new Map(entries.map(([id, content]) => [id, text(content, `${path}[${short(id)}]`, MOST_CHARACTERS)]));
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new LongtabError({
      code: "file-malformed",
      what: "This file is not JSON",
      remedy: "choose a file that was exported from Longtab as JSON",
      cause,
    });
  }
}

function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(path, value, "an object");
  return value as Record<string, unknown>;
}

function list(value: unknown, path: string, most: number): unknown[] {
  if (!Array.isArray(value)) throw malformed(path, value, "a list");
  if (value.length > most) throw overLimit(path, value.length, most, "entries");
  return value;
}

function text(value: unknown, path: string, most: number): string {
  if (typeof value !== "string") throw malformed(path, value, "a text");
  if (value.length > most) throw overLimit(path, value.length, most, "characters");
  return value.toWellFormed();
}

function number(value: unknown, path: string, most: number): number {
  if (typeof value !== "number" || !(value >= 0)) throw malformed(path, value, "a number, 0 or more");
  if (value > most) throw overLimit(path, value, most, "");
  return value;
}

const REMEDY = "export the conversations anew, or take this one out of the file; nothing was imported";

function malformed(path: string, value: unknown, wanted: string): LongtabError {
  return new LongtabError({
    code: "file-malformed",
    what: `${path} is not what it must be`,
    value: short(value),
    limit: wanted,
    remedy: REMEDY,
  });
}

function overLimit(path: string, value: number, most: number, unit: string): LongtabError {
  const words = (count: number): string => `${count.toLocaleString("en")} ${unit}`.trim();
  return new LongtabError({ code: "file-limit", what: `${path} is too large`, value: words(value), limit: words(most), remedy: REMEDY });
}

/** A hostile value, for people to see. */
function short(value: unknown): string {
  const words =
    typeof value === "object" && value !== null ? (Array.isArray(value) ? "a list" : "an object") : (JSON.stringify(value) ?? "nothing");
  return words.length > 60 ? `${words.slice(0, 60).toWellFormed()}…` : words;
}
