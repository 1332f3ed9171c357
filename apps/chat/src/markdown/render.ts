import DOMPurify from "dompurify";
import { markdown } from "./blocks.ts";

/**
 * Markdown to DOM. A model's output is hostile input: it may repeat whatever a pasted text told it to. So raw HTML is shown as text,
 * images become links (loading one would tell its server), and what comes out passes a sanitiser that knows only the tags below.
 */
const TAGS = "p br hr h1 h2 h3 h4 h5 h6 strong em del code pre blockquote ul ol li a table thead tbody tr th td".split(" ");
const ATTRIBUTES = ["href", "title", "start", "class", "align"];
/** No relative addresses: they would point into this page. */
const LINK = /^(?:https?:\/\/|mailto:)/i;
const LANGUAGE_CLASS = /^language-[\w+#.-]{1,30}$/;

markdown.use({
  renderer: {
    html: (token) => (token.type === "html" && token.block ? `<p>${escapeHtml(token.text)}</p>` : escapeHtml(token.text)),
    image: ({ href, text }) => `<a href="${escapeHtml(href)}">${escapeHtml(text === "" ? href : text)}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

DOMPurify.addHook("uponSanitizeAttribute", (_element, attribute) => {
  if (attribute.attrName === "class" && !LANGUAGE_CLASS.test(attribute.attrValue)) attribute.keepAttr = false;
  if (attribute.attrName === "href" && !LINK.test(attribute.attrValue.trim())) attribute.keepAttr = false;
});

/** Renders one block; the fragment holds no script, style, image, frame, form or handler, and its links open elsewhere. */
export function renderMarkdown(source: string): DocumentFragment {
  const html = markdown.parse(source, { async: false });
  const fragment = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  for (const table of fragment.querySelectorAll("table")) makeScrollable(table);
  for (const pre of fragment.querySelectorAll("pre")) addCopyButton(pre);
  return fragment;
}

/** A wide table scrolls in a frame of its own, which the keyboard can reach. */
function makeScrollable(table: HTMLTableElement): void {
  const frame = document.createElement("div");
  frame.className = "table-frame";
  frame.tabIndex = 0;
  // No landmark: an answer may have many tables.
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", "Table");
  table.replaceWith(frame);
  frame.append(table);
}

/** The same frame that view/code-block.tsx gives to code outside of lists and quotations. */
function addCopyButton(pre: HTMLPreElement): void {
  const frame = document.createElement("div");
  frame.className = "code-block";
  const bar = document.createElement("div");
  bar.className = "code-bar";
  const language = document.createElement("span");
  language.textContent = pre.querySelector("code")?.className.replace("language-", "") ?? "";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy-code";
  button.textContent = "Copy";
  bar.append(language, button);
  pre.replaceWith(frame);
  frame.append(bar, pre);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
