import { Card } from "./card.ts";
import type { CardActions } from "./card.ts";
import { Composer } from "./composer.ts";
import { button, h, icon, label } from "./dom.ts";
import { Messages } from "./messages.ts";
import type { Exchange } from "../conversation.ts";
import { Panel } from "./panel.ts";
import style from "../style.css?inline";
import type { Words } from "./words.ts";

export interface FrameActions extends CardActions {
  toggle: (open: boolean) => void;
  send: (text: string) => void;
  stop: () => void;
  clear: () => void;
  retry: (exchange: Exchange) => void;
}

/** Constructed, because a strict policy takes no style element; one for all elements of the page. */
let sheet: CSSStyleSheet | undefined;

function sharedSheet(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
  }
  return sheet;
}

/** Everything in the element's shadow. */
export class Frame {
  readonly panel: Panel;
  readonly card: Card;
  readonly composer: Composer;
  readonly messages: Messages;
  /** What assistive technology is told beside the conversation. */
  readonly status = h("p", { role: "status", class: "hidden" });
  readonly root = h("div", { class: "root" });
  readonly #title = h("slot", { name: "title" });
  readonly #greeting = h("p", { class: "greeting" });
  readonly #note = h("slot", { name: "footer" });
  readonly #clear: HTMLButtonElement;
  readonly #close: HTMLButtonElement;

  constructor(host: HTMLElement, shadow: ShadowRoot, words: Words, actions: FrameActions) {
    shadow.adoptedStyleSheets = [sharedSheet()];
    this.panel = new Panel(host, actions);
    this.card = new Card(actions);
    this.composer = new Composer(actions.send, actions.stop);
    this.#clear = button("clear", icon("clear"), actions.clear);
    this.#close = button("close", icon("close"), () => actions.toggle(false));
    const header = h(
      "header",
      { part: "header" },
      h("h2", { part: "title" }, this.#title),
      h("slot", { name: "header" }),
      this.#clear,
      this.#close,
    );
    const scroller = h(
      "div",
      { class: "scroller", part: "messages", tabIndex: 0, role: "group" },
      h("slot", { name: "intro" }),
      this.#greeting,
    );
    this.messages = new Messages(scroller, words, actions.retry);
    const footer = h("footer", { part: "footer" }, this.#note);
    this.panel.panel.append(header, scroller, this.card.root, this.composer.root, footer, this.status);
    this.root.append(this.panel.panel, this.panel.launcher);
    shadow.append(this.root);
  }

  show({ words, ready, empty }: { words: Words; ready: boolean; empty: boolean }): void {
    this.root.lang = words.language;
    this.#title.textContent = words.say("title");
    this.#note.textContent = words.say("note");
    this.#greeting.textContent = words.say("ready");
    this.panel.panel.classList.toggle("empty", empty);
    this.panel.panel.classList.toggle("asleep", !ready);
    this.#greeting.hidden = !ready || !empty;
    this.composer.root.hidden = !ready;
    this.#clear.hidden = empty;
    this.#close.hidden = !this.panel.floats;
    label(this.#clear, words.say("newChat"));
    label(this.#close, words.say("closeChat"));
    this.messages.log.parentElement?.setAttribute("aria-label", words.say("conversation"));
  }
}
