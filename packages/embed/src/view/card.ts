import type { LoadProgress, LongtabError, StoredModel } from "longtab/parts";
import type { ModelFacts } from "../options.ts";
import type { EngineState } from "../shared-engine.ts";
import type { StringName } from "../strings/strings.ts";
import { button, h } from "./dom.ts";
import type { Words } from "./words.ts";

/** What the card knows of the model before it is loaded. */
export interface Offer {
  facts: ModelFacts;
  /** In this browser's storage for the page's origin. */
  stored: StoredModel | undefined;
  /** Of a model that the catalogue does not know: bytes, once looked up, and null where its server does not say. */
  size: number | null | undefined;
}

export interface CardActions {
  start: () => void;
  cancel: () => void;
  lookUp: () => void;
}

const phases: Record<LoadProgress["phase"], StringName> = {
  download: "downloading",
  verify: "checking",
  upload: "preparing",
  shaders: "preparing",
};

/** What happened, for those failures that a visitor can understand without their details. */
const causes: Partial<Record<LongtabError["code"], StringName>> = {
  offline: "offline",
  "network-failed": "unreachable",
  "model-not-found": "unreachable",
  "quota-exceeded": "noRoom",
  "out-of-memory": "noMemory",
  "policy-blocked": "blocked",
  "wasm-blocked": "blocked",
  "device-lost": "lost",
};

/** The model before it can be asked: what it is and costs, and the one button; then its progress, or what went wrong. */
export class Card {
  readonly root = h("div", { part: "card", class: "card" });
  readonly #actions: CardActions;
  #shown = "";

  constructor(actions: CardActions) {
    this.#actions = actions;
  }

  show(state: EngineState, offer: Offer | undefined, words: Words, hidden: ReadonlySet<LongtabError>): void {
    this.root.hidden = state.at === "ready";
    if (state.at === "loading") return this.#showLoading(state.progress, words);
    const error = state.at === "failed" && !hidden.has(state.error) ? state.error : undefined;
    const shows = JSON.stringify([state.at, error?.message, offer, words.language, words.strings]);
    if (shows === this.#shown) return;
    this.#shown = shows;
    this.#replace(...(error ? [this.#problem(error, words)] : offer ? this.#offer(offer, words) : []));
  }

  get hasFocus(): boolean {
    return this.root.contains((this.root.getRootNode() as ShadowRoot).activeElement);
  }

  focus(): void {
    this.root.querySelector("button")?.focus();
  }

  /** A button that is replaced under a finger is not pressed, and loses the focus: so this is done only where something has changed. */
  #replace(...nodes: Node[]): void {
    const focused = this.hasFocus;
    this.root.replaceChildren(...nodes);
    if (focused) this.focus();
  }

  #offer({ facts, stored, size = facts.size }: Offer, words: Words): Node[] {
    const { figures } = words;
    const bytes = typeof size === "number" ? figures.bytes(size) : "";
    const primary = (text: string): Node => button("primary", text, this.#actions.start);
    const fact = stored?.complete
      ? words.say("stored")
      : stored && stored.storedBytes > 0
        ? words.say("partly", { done: figures.bytes(stored.storedBytes), size: figures.bytes(stored.size) })
        : size === null
          ? words.say("sizeHidden")
          : bytes
            ? words.say("size", { size: bytes })
            : words.say("sizeUnknown");
    const action = stored?.complete
      ? primary(words.say("start"))
      : stored && stored.storedBytes > 0
        ? primary(words.say("goOn"))
        : size === undefined
          ? button("primary", words.say("lookUp"), this.#actions.lookUp)
          : primary(bytes ? words.say("downloadSize", { size: bytes }) : words.say("download"));
    return [
      h("p", { part: "model", class: "model" }, facts.entry?.name ?? facts.name),
      h("p", { class: "fact" }, fact),
      action,
      h("p", { class: "soft" }, words.say("private")),
    ];
  }

  #showLoading(progress: LoadProgress | undefined, words: Words): void {
    if (this.#shown !== "loading") {
      const bar = h("progress", { part: "progress", max: 1 });
      bar.removeAttribute("value");
      this.#replace(
        h("p", { class: "model" }),
        bar,
        h("p", { class: "soft figures" }),
        button("secondary", words.say("cancel"), this.#actions.cancel),
      );
      this.#shown = "loading";
    }
    const [doing, bar, figures] = this.root.children as unknown as [HTMLElement, HTMLProgressElement, HTMLElement];
    doing.textContent = words.say(progress ? phases[progress.phase] : "preparing");
    bar.setAttribute("aria-label", doing.textContent);
    if (progress && progress.total > 0) bar.value = progress.loaded / progress.total;
    figures.textContent = progress ? describeProgress(progress, words) : "";
  }

  #problem(error: LongtabError, words: Words): Node {
    return problem(error, words, button("primary", words.say("retry"), this.#actions.start));
  }
}

function describeProgress({ phase, loaded, total, rate, secondsLeft }: LoadProgress, words: Words): string {
  // Programs differ too much in size for the time of the next one to follow from the last.
  if (phase === "shaders") return "";
  const { figures } = words;
  const parts = [words.say("amount", { done: figures.bytes(Math.min(loaded, total)), size: figures.bytes(total) })];
  if (rate > 0) parts.push(words.say("rate", { size: figures.bytes(rate) }));
  if (secondsLeft !== undefined && loaded < total) parts.push(words.say("left", { time: figures.time(secondsLeft) }));
  return parts.join(" · ");
}

/** A failure: in plain words what happened, then the details as the library gives them, which are English. */
export function problem(error: LongtabError, words: Words, ...actions: Node[]): HTMLElement {
  const details = h("p", { class: "soft", lang: "en", dir: "ltr" }, error.message);
  return h(
    "div",
    { part: "problem", class: "problem", role: "alert" },
    h("p", { class: "model" }, words.say(causes[error.code] ?? "failed")),
    details,
    ...actions,
  );
}
