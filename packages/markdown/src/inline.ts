/** What stands inside a paragraph. */
export type Inline =
  | { type: "text"; text: string }
  | { type: "code"; text: string }
  | { type: "break" }
  | { type: "strong" | "em" | "del"; children: Inline[] }
  /** `href` is of http, https or mailto. */
  | { type: "link"; href: string; children: Inline[] };

/** A mark that may open emphasis or a link, and where in `nodes` it stands. */
interface Opener {
  mark: "*" | "_" | "~" | "[";
  count: number;
  at: number;
}

/** Marks that are open at once; of more, the others are text: looking back stays cheap. */
const MOST_OPEN = 64;

const TOKEN =
  /\\([!-/:-@[-`{-~])|(`+)|(\*+|_+|~~)|!?\[|(\])|<((?:https?:\/\/|mailto:)[^\s<>]+)>|(https?:\/\/[^\s<>"']+)| +(?![ \n])|( *\n)|[^\\`*_~![\]<h \n]+|[\s\S]/gy;
/** What follows the "]" of a link: "(address "title")". */
const TARGET = /\(\s*(?!\s)(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\([^\s()]*\))*))(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*\)/y;
/** No relative addresses: they would point into this page. No scheme that runs anything. */
const SAFE = /^(?:https?:\/\/|mailto:)/i;
/** What ends a bare address at its end. */
const SENTENCE_END = ")].,;:!?*_~`";
const PUNCTUATION = /[\p{P}\p{S}]/u;

/** A line break is a break: models write poems and addresses line by line. */
export function parseInline(text: string): Inline[] {
  return new Inlines(text).parse();
}

class Inlines {
  readonly #text: string;
  #nodes: Inline[] = [];
  #openers: Opener[] = [];
  #ticks: Map<number, number[]> | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Inline[] {
    const token = new RegExp(TOKEN);
    for (let match = token.exec(this.#text); match !== null; match = token.exec(this.#text)) {
      const [whole, escaped, ticks, marks, close, autolink, url, line] = match;
      if (escaped !== undefined) this.#addText(escaped);
      else if (ticks !== undefined) token.lastIndex = this.#addCode(ticks, token.lastIndex);
      else if (marks !== undefined) this.#addMarks(marks, match.index);
      else if (whole === "[" || whole === "![") this.#open("[", whole);
      else if (close !== undefined) token.lastIndex = this.#closeLink(token.lastIndex);
      else if (autolink !== undefined) this.#nodes.push({ type: "link", href: autolink, children: [{ type: "text", text: autolink }] });
      else if (url !== undefined) token.lastIndex -= this.#addUrl(url);
      else if (line !== undefined) this.#nodes.push({ type: "break" });
      else this.#addText(whole);
    }
    return this.#nodes;
  }

  #addText(text: string): void {
    const last = this.#nodes.at(-1);
    // A mark that is still open must stay a node of its own.
    if (last?.type === "text" && this.#openers.at(-1)?.at !== this.#nodes.length - 1) last.text += text;
    else this.#nodes.push({ type: "text", text });
  }

  /** Code ends at as many backticks as it begins with; without those they are text. */
  #addCode(ticks: string, from: number): number {
    this.#ticks ??= runsOfTicks(this.#text);
    const ends = this.#ticks.get(ticks.length) ?? [];
    while ((ends.at(-1) ?? from) < from) ends.pop();
    const end = ends.pop();
    if (end === undefined) {
      this.#addText(ticks);
      return from;
    }
    const code = this.#text.slice(from, end).replaceAll("\n", " ");
    this.#nodes.push({ type: "code", text: /^ .*[^ ].* $/.test(code) ? code.slice(1, -1) : code });
    return end + ticks.length;
  }

  /** A run of marks closes what it can and opens the rest. */
  #addMarks(marks: string, at: number): void {
    const mark = marks.charAt(0) as Opener["mark"];
    const before = this.#text.charAt(at - 1);
    const after = this.#text.charAt(at + marks.length);
    const { opens, closes } = flanks(mark, before, after);
    let left = marks.length;
    for (let taken = closes ? left : 0; left > 0 && taken > 0; left -= taken) taken = this.#closeEmphasis(mark, left);
    if (left === 0) return;
    if (opens && left <= 3) this.#open(mark, marks.slice(0, left));
    else this.#addText(marks.slice(0, left));
  }

  #open(mark: Opener["mark"], text: string): void {
    if (this.#openers.length < MOST_OPEN) this.#openers.push({ mark, count: text.length, at: this.#nodes.length });
    this.#nodes.push({ type: "text", text });
  }

  /** Makes what lies since the last such mark emphasis. @returns how many of the marks that took. */
  #closeEmphasis(mark: Opener["mark"], available: number): number {
    const index = this.#openers.findLastIndex((opener) => opener.mark === mark);
    const opener = this.#openers[index];
    if (opener === undefined || (mark === "~" && available < 2)) return 0;
    const taken = Math.min(opener.count, available, 2);
    this.#openers.length = index + 1;
    const children = this.#nodes.splice(opener.at + 1);
    opener.count -= taken;
    if (opener.count === 0) {
      this.#openers.pop();
      this.#nodes.pop();
    } else {
      this.#nodes[opener.at] = { type: "text", text: mark.repeat(opener.count) };
    }
    this.#nodes.push({ type: mark === "~" ? "del" : taken === 2 ? "strong" : "em", children });
    return taken;
  }

  /** An image is a link as well: loading it would tell its server. @returns where to go on. */
  #closeLink(at: number): number {
    const index = this.#openers.findLastIndex(({ mark }) => mark === "[");
    const opener = this.#openers[index];
    const target = new RegExp(TARGET);
    target.lastIndex = at;
    const match = opener && target.exec(this.#text);
    if (!opener || !match) {
      if (index >= 0) this.#openers.splice(index, 1);
      this.#addText("]");
      return at;
    }
    const href = (match[1] ?? match[2] ?? "").replace(/\\(.)/g, "$1");
    const children = withoutLinks(this.#nodes.splice(opener.at).slice(1));
    this.#openers.length = index;
    if (SAFE.test(href))
      this.#nodes.push({ type: "link", href, children: children.length > 0 ? children : [{ type: "text", text: href }] });
    else for (const child of children) this.#nodes.push(child);
    return target.lastIndex;
  }

  /** A bare address, without what ends the sentence that it stands in. @returns how many characters were left. */
  #addUrl(url: string): number {
    let end = url.length;
    while (SENTENCE_END.includes(url.charAt(end - 1))) end--;
    const cut = url.slice(0, end);
    const href = cut.includes("(") && url.charAt(cut.length) === ")" ? `${cut})` : cut;
    this.#nodes.push({ type: "link", href, children: [{ type: "text", text: href }] });
    return url.length - href.length;
  }
}

/** CommonMark's rule: a mark opens before a word and closes after one; "_" never inside of one. */
function flanks(mark: string, before: string, after: string): { opens: boolean; closes: boolean } {
  const spaceBefore = /^\s?$/.test(before);
  const spaceAfter = /^\s?$/.test(after);
  const left = !spaceAfter && (!PUNCTUATION.test(after) || spaceBefore || PUNCTUATION.test(before));
  const right = !spaceBefore && (!PUNCTUATION.test(before) || spaceAfter || PUNCTUATION.test(after));
  if (mark !== "_") return { opens: left, closes: right };
  return { opens: left && (!right || PUNCTUATION.test(before)), closes: right && (!left || PUNCTUATION.test(after)) };
}

/** Where runs of backticks begin, by their length, the last of them first: a run that closes nothing must not be looked for again and again. */
function runsOfTicks(text: string): Map<number, number[]> {
  const runs = new Map<number, number[]>();
  for (const { 0: run, index } of [...text.matchAll(/`+/g)].toReversed()) {
    const known = runs.get(run.length);
    if (known === undefined) runs.set(run.length, [index]);
    else known.push(index);
  }
  return runs;
}

function withoutLinks(nodes: Inline[]): Inline[] {
  return nodes.flatMap((node) => (node.type === "link" ? node.children : [node]));
}
