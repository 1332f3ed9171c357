export { parseBlocks } from "./blocks.ts";
export type { Align, Block } from "./blocks.ts";
export { parseInline } from "./inline.ts";
export type { Inline } from "./inline.ts";
export { MarkdownView } from "./view.ts";
export type { MarkdownWords } from "./view.ts";
