import type { Opener } from "../options.ts";
import { button, h, icon, label } from "./dom.ts";
import type { Words } from "./words.ts";

/** Screens narrower than this are a phone's: the open chat takes nearly all of one. Pixels, as in style.css. */
const phone = "(max-width: 36rem)";

export interface PanelActions {
  /** The person, or one of the page's own buttons, opens or closes the chat. */
  toggle: (open: boolean) => void;
}

/**
 * The frame of the chat. Inline it stands where the element does; otherwise it floats above the page, in the browser's top layer where there is
 * one, opened by a bubble or by the page's own elements.
 */
export class Panel {
  readonly panel = h("section", { part: "panel", class: "panel", tabIndex: -1 });
  readonly launcher: HTMLButtonElement;
  readonly #host: HTMLElement;
  readonly #toggle: (open: boolean) => void;
  #opener: Opener = { kind: "none" };
  #open = false;
  /** What had the focus when the chat was opened. */
  #returnTo: Element | undefined;

  constructor(host: HTMLElement, { toggle }: PanelActions) {
    this.#host = host;
    this.#toggle = toggle;
    this.launcher = button("launcher", h("slot", { name: "launcher" }, icon("chat")), () => toggle(!this.#open));
    this.panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing || !this.floats) return;
      event.stopPropagation();
      toggle(false);
    });
  }

  get floats(): boolean {
    return this.#opener.kind !== "none";
  }

  connect(): void {
    document.addEventListener("click", this.#onPageClick);
    visualViewport?.addEventListener("resize", this.#onViewport);
    visualViewport?.addEventListener("scroll", this.#onViewport);
  }

  disconnect(): void {
    document.removeEventListener("click", this.#onPageClick);
    visualViewport?.removeEventListener("resize", this.#onViewport);
    visualViewport?.removeEventListener("scroll", this.#onViewport);
    this.#markOpeners(false);
  }

  /** @returns whether it has just been opened, and wants the focus. */
  show(opener: Opener, open: boolean, words: Words): boolean {
    const opens = open && !this.#open;
    const closes = !open && this.#open;
    const floats = opener.kind !== "none";
    // What is hidden loses the focus: afterwards nobody could tell that it was in there.
    const held = this.#host.contains((this.#host.getRootNode() as Document | ShadowRoot).activeElement);
    if (opens) this.#returnTo = deepFocus();
    this.#opener = opener;
    this.#open = open;
    this.panel.classList.toggle("floats", floats);
    this.panel.hidden = floats && !open;
    this.panel.setAttribute("role", floats ? "dialog" : "region");
    this.panel.setAttribute("aria-label", words.say("title"));
    this.launcher.hidden = opener.kind !== "bubble";
    this.launcher.setAttribute("aria-expanded", String(open));
    label(this.launcher, words.say(open ? "closeChat" : "openChat"));
    toTopLayer(this.launcher, opener.kind === "bubble");
    toTopLayer(this.panel, floats && open);
    this.#markOpeners(open);
    this.#onViewport();
    if (closes && floats && held) this.#giveFocusBack();
    return opens && floats;
  }

  #giveFocusBack(): void {
    const target = this.#returnTo instanceof HTMLElement && this.#returnTo.isConnected ? this.#returnTo : this.launcher;
    target.focus();
  }

  /** The page's own buttons say whether what they open is open. */
  #markOpeners(open: boolean): void {
    if (this.#opener.kind !== "selector") return;
    for (const element of document.querySelectorAll(this.#opener.selector)) element.setAttribute("aria-expanded", String(open));
  }

  readonly #onPageClick = (event: Event): void => {
    if (this.#opener.kind !== "selector") return;
    const opener = event.target instanceof Element && event.target.closest(this.#opener.selector);
    if (!opener || this.#host.contains(opener)) return;
    // A link that opens the chat leads nowhere.
    event.preventDefault();
    this.#toggle(!this.#open);
  };

  /** On a phone the keyboard covers part of the page without changing its size: the chat keeps to what is seen. */
  readonly #onViewport = (): void => {
    const view = globalThis.visualViewport;
    if (!view || !this.floats || !this.#open || !matchMedia(phone).matches) return;
    this.panel.style.setProperty("--seen-height", `${view.height}px`);
    this.panel.style.setProperty("--seen-top", `${view.offsetTop}px`);
  };
}

/** Above everything, whatever the page's z-indices and transforms. Browsers before 2024 have style.css's z-index alone. */
function toTopLayer(element: HTMLElement, on: boolean): void {
  if (!("popover" in element)) return;
  if (on) element.popover = "manual";
  if (element.isConnected && element.popover !== null && on !== element.matches(":popover-open")) {
    if (on) element.showPopover();
    else element.hidePopover();
  }
  if (!on) element.popover = null;
}

function deepFocus(): Element | undefined {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return focused ?? undefined;
}
