import { parseBlocks } from "./blocks.ts";
import type { Block } from "./blocks.ts";
import { parseInline } from "./inline.ts";
import type { Inline } from "./inline.ts";

/** What the page says around an answer's blocks. */
export interface MarkdownWords {
  /** The name of a table's frame, which scrolls. */
  table: string;
  /** Called for the frame of each code block, to put a button into its bar. */
  decorateCode?: (bar: HTMLElement, text: string) => void;
}

/**
 * Shows Markdown that grows at its end. A model's output is hostile input: nodes are made one by one and no HTML is parsed, so there is no script,
 * style, image, frame, form or handler, and links open elsewhere. Blocks that have not changed keep their nodes.
 */
export class MarkdownView {
  readonly #root: HTMLElement;
  readonly #words: MarkdownWords;
  /** Of each node of the root: what it shows, as one string. */
  #shown: string[] = [];

  constructor(root: HTMLElement, words: MarkdownWords) {
    this.#root = root;
    this.#words = words;
  }

  update(text: string): void {
    const blocks = parseBlocks(text);
    const keys = blocks.map((block) => JSON.stringify(block));
    for (const [index, block] of blocks.entries()) {
      if (this.#shown[index] === keys[index]) continue;
      const node = renderBlock(block, this.#words);
      const old = this.#root.children[index];
      if (old) old.replaceWith(node);
      else this.#root.append(node);
    }
    while (this.#root.children.length > blocks.length) this.#root.lastElementChild?.remove();
    this.#shown = keys;
  }
}

function renderBlock(block: Block, words: MarkdownWords): HTMLElement {
  switch (block.type) {
    case "paragraph":
      return withInline("p", block.text);
    case "heading":
      // The page has headings of its own above.
      return withInline(`h${Math.min(6, block.level + 2)}`, block.text);
    case "code":
      return renderCode(block, words);
    case "quote":
      return element(
        "blockquote",
        block.blocks.map((inner) => renderBlock(inner, words)),
      );
    case "list":
      return renderList(block, words);
    case "table":
      return renderTable(block, words);
    default:
      return element("hr");
  }
}

function renderCode({ language, text }: Block & { type: "code" }, words: MarkdownWords): HTMLElement {
  const bar = element("div", [element("span", [language])]);
  bar.className = "code-bar";
  words.decorateCode?.(bar, text);
  const pre = element("pre", [element("code", [text])]);
  pre.tabIndex = 0;
  pre.dir = "ltr";
  const frame = element("div", [bar, pre]);
  frame.className = "code";
  return frame;
}

function renderList({ ordered, start, items }: Block & { type: "list" }, words: MarkdownWords): HTMLElement {
  const list = element(
    ordered ? "ol" : "ul",
    items.map((blocks) => renderItem(blocks, words)),
  );
  if (ordered && start !== 1) list.setAttribute("start", String(start));
  return list;
}

/** An item of one paragraph is as tight as its text. */
function renderItem(blocks: Block[], words: MarkdownWords): HTMLElement {
  const [first, ...rest] = blocks;
  if (first?.type !== "paragraph")
    return element(
      "li",
      blocks.map((block) => renderBlock(block, words)),
    );
  return element("li", [...renderInline(parseInline(first.text)), ...rest.map((block) => renderBlock(block, words))]);
}

function renderTable({ align, head, rows }: Block & { type: "table" }, words: MarkdownWords): HTMLElement {
  const row = (tag: "th" | "td", cells: string[]): HTMLElement =>
    element(
      "tr",
      cells.map((text, column) => {
        const cell = withInline(tag, text);
        const side = align[column];
        if (side !== undefined) cell.className = side;
        return cell;
      }),
    );
  const table = element("table", [
    element("thead", [row("th", head)]),
    element(
      "tbody",
      rows.map((cells) => row("td", cells)),
    ),
  ]);
  const frame = element("div", [table]);
  frame.className = "table";
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", words.table);
  return frame;
}

function renderInline(nodes: readonly Inline[]): (Node | string)[] {
  return nodes.map(renderNode);
}

function renderNode(node: Inline): Node | string {
  switch (node.type) {
    case "text":
      return node.text;
    case "break":
      return element("br");
    case "code":
      return element("code", [node.text]);
    case "link":
      return renderLink(node);
    default:
      return element(node.type, renderInline(node.children));
  }
}

function renderLink({ href, children }: Inline & { type: "link" }): HTMLElement {
  const link = document.createElement("a");
  link.href = href;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  for (const child of renderInline(children)) link.append(child);
  return link;
}

function withInline(tag: string, text: string): HTMLElement {
  return element(tag, renderInline(parseInline(text)));
}

function element(tag: string, children: readonly (Node | string)[] = []): HTMLElement {
  const node = document.createElement(tag);
  // One by one: a call takes some 100,000 arguments at most, and an answer may have more lines.
  for (const child of children) node.append(child);
  return node;
}
