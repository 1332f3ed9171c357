import { Marked, type Token } from "marked";

/**
 * Markdown that grows at its end, cut into top-level blocks. In CommonMark a block can only change while it is the last one, so each step
 * parses the last block again and nothing before it: the cost of a token does not grow with the message.
 */
export interface Block {
  /** Where it begins in the text; stable, so it serves as a key. */
  start: number;
  raw: string;
  /** Set for a top-level code block, which is shown as it is and never becomes HTML. */
  code?: { text: string; language: string };
}

export interface BlockList {
  text: string;
  blocks: readonly Block[];
}

/** A line break is a break: models write poems and addresses line by line. */
export const markdown = new Marked({ gfm: true, breaks: true });

export const NO_BLOCKS: BlockList = { text: "", blocks: [] };

/** The blocks of `text`; those of `previous` that cannot have changed are reused, the very same objects. */
export function updateBlocks(previous: BlockList, text: string): BlockList {
  if (text === previous.text) return previous;
  const grown = text.startsWith(previous.text);
  const kept = grown ? previous.blocks.slice(0, -1) : [];
  const start = grown ? (previous.blocks.at(-1)?.start ?? 0) : 0;
  return { text, blocks: [...kept, ...parseBlocks(text.slice(start), start)] };
}

function parseBlocks(text: string, offset: number): Block[] {
  const blocks: Block[] = [];
  // The lexer normalises line ends and tabs, so raw lengths only count in text that has been normalised before.
  let start = offset;
  for (const token of markdown.lexer(text)) {
    if (token.type !== "space") blocks.push(toBlock(token, start));
    start += token.raw.length;
  }
  return blocks;
}

function toBlock(token: Token, start: number): Block {
  if (token.type !== "code") return { start, raw: token.raw };
  const { raw, text, lang } = token as Token & { text: string; lang?: string };
  return { start, raw, code: { text, language: lang?.match(/^\S+/)?.[0] ?? "" } };
}

/** What the lexer would do to line ends, done once to the whole text so that offsets hold. */
export function normaliseLines(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}
