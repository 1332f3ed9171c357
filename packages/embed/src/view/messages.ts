import { MarkdownView } from "@longtab/markdown";
import type { LongtabError } from "longtab/parts";
import type { Exchange } from "../conversation.ts";
import { problem } from "./card.ts";
import { button, h, icon, label } from "./dom.ts";
import type { Words } from "./words.ts";

/** How far from the end a reader may be and still be taken along; pixels. */
const nearEnd = 48;
/** How long a copy button says that it has copied; milliseconds. */
const copiedFor = 1600;

interface Shown {
  exchange: Exchange;
  state: Exchange["state"] | undefined;
  question: HTMLElement;
  answer: HTMLElement;
  text: HTMLElement;
  markdown: MarkdownView;
}

/**
 * The conversation. What is finished lies in a log, which assistive technology reads out as it is added; the answer that is being written
 * lies below it, so that nobody hears it token by token, and moves up when it ends.
 */
export class Messages {
  readonly log = h("div", { role: "log", class: "log", part: "log" });
  readonly pending = h("div", { class: "pending", "aria-busy": "false" });
  readonly #scroller: HTMLElement;
  readonly #retry: (exchange: Exchange) => void;
  #shown: Shown[] = [];
  #words: Words;

  constructor(scroller: HTMLElement, words: Words, retry: (exchange: Exchange) => void) {
    this.#scroller = scroller;
    this.#words = words;
    this.#retry = retry;
    scroller.append(this.log, this.pending);
  }

  /** @param hidden failures that the page shows itself. */
  show(exchanges: readonly Exchange[], words: Words, hidden: ReadonlySet<LongtabError>): void {
    if (words !== this.#words) this.#clear();
    this.#words = words;
    this.log.setAttribute("aria-label", words.say("conversation"));
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const asked = exchanges.length > this.#shown.length;
    if (
      exchanges.some((exchange, index) => this.#shown[index] && this.#shown[index].exchange !== exchange) ||
      exchanges.length < this.#shown.length
    )
      this.#clear();
    for (const exchange of exchanges.slice(this.#shown.length)) this.#add(exchange);
    for (const shown of this.#shown) this.#update(shown, hidden);
    if (asked || scrollHeight - scrollTop - clientHeight < nearEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #clear(): void {
    this.#shown = [];
    this.log.replaceChildren();
    this.pending.replaceChildren();
  }

  #add(exchange: Exchange): void {
    const words = this.#words;
    const question = h(
      "div",
      { part: "question", class: "question", dir: "auto" },
      h("span", { class: "hidden" }, `${words.say("you")}: `),
      exchange.question,
    );
    const text = h("div", { class: "text", dir: "auto" });
    const answer = h("div", { part: "answer", class: "answer" }, h("span", { class: "hidden" }, `${words.say("answer")}: `), text);
    const decorateCode = (bar: HTMLElement, code: string): void => bar.append(this.#copyButton(() => code));
    const markdown = new MarkdownView(text, { table: words.say("table"), decorateCode });
    this.#shown.push({ exchange, state: undefined, question, answer, text, markdown });
    this.log.append(question);
  }

  #update(shown: Shown, hidden: ReadonlySet<LongtabError>): void {
    const { exchange, answer, markdown } = shown;
    const { state } = exchange;
    if (state === shown.state && state !== "writing") return;
    shown.state = state;
    markdown.update(exchange.answer);
    if (state === "waiting" || state === "reading" || state === "writing") {
      answer.classList.toggle("thinking", state !== "writing");
      answer.dataset["note"] = state === "writing" ? "" : this.#words.say(state);
      if (answer.parentNode !== this.pending) this.pending.append(answer);
      return;
    }
    answer.classList.remove("thinking");
    answer.dataset["note"] = "";
    answer.append(this.#after(exchange, hidden));
    this.log.append(answer);
  }

  /** What stands below an answer that has ended. */
  #after(exchange: Exchange, hidden: ReadonlySet<LongtabError>): HTMLElement {
    const words = this.#words;
    const row = h("div", { class: "after" });
    if (exchange.answer !== "") row.append(this.#copyButton(() => exchange.answer));
    if (exchange.state === "stopped") row.append(h("span", { class: "soft" }, words.say("stopped")));
    if (exchange.error && !hidden.has(exchange.error)) {
      row.append(
        problem(
          exchange.error,
          words,
          button("secondary", words.say("retry"), () => this.#retry(exchange)),
        ),
      );
    }
    return row;
  }

  #copyButton(text: () => string): HTMLElement {
    const copy = button("copy", icon("copy"), () => void this.#copy(copy, text()));
    label(copy, this.#words.say("copy"));
    return copy;
  }

  async #copy(element: HTMLButtonElement, text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A frame without the permission, or a page without a secure context: the text can still be selected.
      return;
    }
    element.replaceChildren(icon("done"));
    label(element, this.#words.say("copied"));
    setTimeout(() => {
      element.replaceChildren(icon("copy"));
      label(element, this.#words.say("copy"));
    }, copiedFor);
  }
}
