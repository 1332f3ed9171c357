/** Blocks of Markdown: CommonMark's, without raw HTML, link definitions and indented code, which models do not mean; and tables. */
export type Block =
  | { type: "paragraph"; text: string }
  | { type: "heading"; level: number; text: string }
  | { type: "code"; language: string; text: string }
  | { type: "quote"; blocks: Block[] }
  | { type: "list"; ordered: boolean; start: number; items: Block[][] }
  | { type: "table"; align: Align[]; head: string[]; rows: string[][] }
  | { type: "rule" };

export type Align = "start" | "center" | "end" | undefined;

/** Quotations and lists in each other; deeper ones are text. */
const DEEPEST = 8;
const MOST_COLUMNS = 32;

// Every expression meets text that a model wrote: none has two repetitions side by side that could share the same characters, which takes a square of the time.
const FENCE = /^ {0,3}(`{3,}|~{3,}(?!~))([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?=\s|$)/;
const RULE = /^ {0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|(\d{1,9})[.)])(?:( {1,4})(?! )(.*)|( +.*|))$/;
const UNDERLINE = /^ {0,3}(?:=+|-{2,})\s*$/;
const TABLE_RULE = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*(?:\|\s*)?$/;

/** The blocks of a text, each once and in order. Every text is Markdown: nothing is refused. */
export function parseBlocks(text: string): Block[] {
  return new Blocks(text.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n"), 0).parse();
}

class Blocks {
  readonly #lines: readonly string[];
  readonly #depth: number;
  readonly #blocks: Block[] = [];
  #at = 0;
  /** The first line that is not blank, from a line on that was not after the current one. */
  #text = 0;
  #paragraph: string[] = [];

  constructor(lines: readonly string[], depth: number) {
    this.#lines = lines;
    this.#depth = depth;
  }

  parse(): Block[] {
    while (this.#at < this.#lines.length) this.#parseLine(this.#line());
    this.#endParagraph();
    return this.#blocks;
  }

  #line(ahead = 0): string {
    return this.#lines[this.#at + ahead] ?? "";
  }

  #parseLine(line: string): void {
    if (line.trim() === "") {
      this.#endParagraph();
      this.#at++;
    } else if (this.#parseFence(line) || this.#parseUnderlined(line) || this.#parseTable(line)) {
      return;
    } else if (RULE.test(line)) {
      this.#push({ type: "rule" });
      this.#at++;
    } else if (!this.#parseHeading(line) && !this.#parseQuote(line) && !this.#parseList(line)) {
      this.#paragraph.push(line.trim());
      this.#at++;
    }
  }

  #push(block: Block): void {
    this.#endParagraph();
    this.#blocks.push(block);
  }

  #endParagraph(): void {
    if (this.#paragraph.length > 0) this.#blocks.push({ type: "paragraph", text: this.#paragraph.join("\n") });
    this.#paragraph = [];
  }

  #parseFence(line: string): boolean {
    const [, fence = "", about = ""] = FENCE.exec(line) ?? [];
    if (fence === "") return false;
    const [language = ""] = about.trim().split(/\s/, 1);
    const indent = line.length - line.trimStart().length;
    const code: string[] = [];
    // A fence that is still open goes to the end: more is on its way.
    for (this.#at++; this.#at < this.#lines.length; this.#at++) {
      const next = this.#line();
      if (next.trim().startsWith(fence) && next.trim().replaceAll(fence.charAt(0), "") === "" && /^ {0,3}\S/.test(next)) break;
      code.push(next.slice(Math.min(indent, next.length - next.trimStart().length)));
    }
    this.#at++;
    this.#push({ type: "code", language, text: code.join("\n") });
    return true;
  }

  #parseHeading(line: string): boolean {
    const [start = "", marks = ""] = HEADING.exec(line) ?? [];
    if (marks === "") return false;
    const text = line.slice(start.length).trim().replace(/\s#+$/, "").trimEnd();
    this.#push({ type: "heading", level: marks.length, text });
    this.#at++;
    return true;
  }

  /** A paragraph with a line of "=" or "-" below it is a heading. */
  #parseUnderlined(line: string): boolean {
    if (this.#paragraph.length === 0 || !UNDERLINE.test(line)) return false;
    const text = this.#paragraph.join("\n");
    this.#paragraph = [];
    this.#push({ type: "heading", level: line.trim().startsWith("=") ? 1 : 2, text });
    this.#at++;
    return true;
  }

  #parseQuote(line: string): boolean {
    if (!QUOTE.test(line) || this.#depth >= DEEPEST) return false;
    const quoted: string[] = [];
    for (; this.#at < this.#lines.length; this.#at++) {
      const next = this.#line();
      // A paragraph of a quotation goes on without its mark.
      if (!QUOTE.test(next) && (next.trim() === "" || startsBlock(next) || quoted.at(-1)?.trim() === "")) break;
      quoted.push(next.replace(QUOTE, ""));
    }
    this.#push({ type: "quote", blocks: new Blocks(quoted, this.#depth + 1).parse() });
    return true;
  }

  #parseList(line: string): boolean {
    const first = ITEM.exec(line);
    if (first === null || this.#depth >= DEEPEST) return false;
    const [, , , number] = first;
    // In the middle of a paragraph only a list that begins at 1 is one: "in the year\n1984. ..."
    if (this.#paragraph.length > 0 && number !== undefined && number !== "1") return false;
    const kind = kindOf(first);
    const items: Block[][] = [];
    for (
      let item = ITEM.exec(this.#line());
      item !== null && kindOf(item) === kind && !RULE.test(this.#line());
      item = ITEM.exec(this.#line())
    ) {
      items.push(this.#parseItem(item));
    }
    this.#push({ type: "list", ordered: number !== undefined, start: Number(number ?? 1), items });
    return true;
  }

  /** An item's own line and the lines below that are indented as its text is, or go on with its paragraph. */
  #parseItem([, indent = "", mark = "", , space = " ", text, rest = ""]: RegExpExecArray): Block[] {
    const width = indent.length + mark.length + space.length;
    const lines = [text ?? rest.trimStart()];
    for (this.#at++; this.#at < this.#lines.length; this.#at++) {
      const next = this.#line();
      const indented = next.length - next.trimStart().length >= Math.min(width, indent.length + 2);
      const blank = next.trim() === "";
      if (blank && !this.#continues(indent.length)) break;
      if (!blank && !indented && (startsBlock(next) || lines.at(-1)?.trim() === "")) break;
      lines.push(next.slice(Math.min(width, next.length - next.trimStart().length)));
    }
    // Blank lines before the next item belong to neither.
    while (this.#at < this.#lines.length && this.#line().trim() === "" && ITEM.test(this.#lineAfterBlanks())) this.#at++;
    return new Blocks(lines, this.#depth + 1).parse();
  }

  /** Whether what follows blank lines is still indented into the item. */
  #continues(indent: number): boolean {
    const next = this.#lineAfterBlanks();
    return next !== "" && next.length - next.trimStart().length >= indent + 2;
  }

  #lineAfterBlanks(): string {
    // Kept, since each of many blank lines asks.
    this.#text = Math.max(this.#text, this.#at);
    while (this.#lines[this.#text]?.trim() === "") this.#text++;
    return this.#lines[this.#text] ?? "";
  }

  #parseTable(line: string): boolean {
    const rule = this.#line(1);
    if (!line.includes("|") || !rule.includes("|") || !TABLE_RULE.test(rule)) return false;
    const head = cells(line);
    const align = cells(rule).map(alignOf);
    if (head.length !== align.length || head.length > MOST_COLUMNS) return false;
    const rows: string[][] = [];
    for (this.#at += 2; this.#at < this.#lines.length && this.#line().includes("|"); this.#at++) {
      const row = cells(this.#line());
      rows.push(head.map((_, column) => row[column] ?? ""));
    }
    this.#push({ type: "table", align, head, rows });
    return true;
  }
}

function kindOf([, , mark = ""]: RegExpExecArray): string {
  return mark.slice(-1);
}

/** Whether a line ends a paragraph by beginning something else. */
function startsBlock(line: string): boolean {
  return FENCE.test(line) || HEADING.test(line) || QUOTE.test(line) || RULE.test(line) || ITEM.test(line);
}

/** Cells of a row; an escaped "|" is text. */
function cells(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function alignOf(cell: string): Align {
  if (cell.endsWith(":")) return cell.startsWith(":") ? "center" : "end";
  return cell.startsWith(":") ? "start" : undefined;
}
