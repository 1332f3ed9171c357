import { button, h, icon, label } from "./dom.ts";
import type { Words } from "./words.ts";

/** Lines of the field that are seen at once, at most. */
const mostLines = 6;

/** The message field and its one button, which sends, or stops the answer that is under way. */
export class Composer {
  readonly root = h("form", { part: "composer", class: "composer" });
  readonly field = h("textarea", { part: "field", rows: 1, dir: "auto", enterKeyHint: "send", name: "message" });
  readonly #send: HTMLButtonElement;
  readonly #onSend: (text: string) => void;
  readonly #onStop: () => void;
  #answering = false;
  #words: Words | undefined;

  constructor(onSend: (text: string) => void, onStop: () => void) {
    this.#onSend = onSend;
    this.#onStop = onStop;
    this.#send = button("send", icon("send"), () => this.#act());
    this.root.append(this.field, this.#send);
    this.root.addEventListener("submit", (event) => event.preventDefault());
    this.field.addEventListener("input", () => this.#fit());
    this.field.addEventListener("keydown", (event) => {
      // The Enter that ends the composition of a character is not meant for us. keyCode 229: Safari reports it once the composition is over.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      if (!this.#answering) this.#act();
    });
  }

  show({ words, placeholder, answering }: { words: Words; placeholder: string; answering: boolean }): void {
    this.field.placeholder = placeholder || words.say("placeholder");
    this.field.setAttribute("aria-label", words.say("message"));
    if (this.#words === words && this.#answering === answering) return;
    this.#words = words;
    this.#answering = answering;
    this.#send.replaceChildren(icon(answering ? "stop" : "send"));
    label(this.#send, words.say(answering ? "stop" : "send"));
    this.#fit();
  }

  #act(): void {
    const text = this.field.value.trim();
    if (this.#answering) return this.#onStop();
    if (text === "") return this.field.focus();
    this.field.value = "";
    this.#fit();
    this.#onSend(text);
  }

  /** As high as its text, up to some lines. */
  #fit(): void {
    const { field } = this;
    this.#send.classList.toggle("idle", !this.#answering && field.value.trim() === "");
    field.rows = 1;
    while (field.scrollHeight > field.clientHeight + 1 && field.rows < mostLines) field.rows++;
  }
}
