import { NO_BLOCKS, updateBlocks } from "../src/markdown/blocks.ts";
import { renderMarkdown } from "../src/markdown/render.ts";

/** What e2e/chat-markdown.spec.ts calls in a browser: the page's own rendering, without the page around it. */
const markdownPage = {
  /** Puts the text on screen as an answer is. */
  show(text: string): void {
    document.body.replaceChildren(...updateBlocks(NO_BLOCKS, text).blocks.map(({ raw }) => renderMarkdown(raw)));
  },
};

declare global {
  interface Window {
    markdownPage: typeof markdownPage;
    /** Set by the hostile samples if one of them ever runs. */
    pwned?: unknown;
  }
}

window.markdownPage = markdownPage;
