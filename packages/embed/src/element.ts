import { LongtabError, peekStored } from "longtab/parts";
import { mirrorAttributes, mirrored, takeEarlyProperties } from "./attributes.ts";
import { Conversation } from "./conversation.ts";
import type { Exchange } from "./conversation.ts";
import type { ChatEventMap, ChatMessageDetail } from "./events.ts";
import { findSize } from "./find-size.ts";
import { describeModel, readEngineOptions, readOpener, readTheme } from "./options.ts";
import type { Checked, EngineOptions, Opener, Theme } from "./options.ts";
import { SharedEngine } from "./shared-engine.ts";
import type { EngineState } from "./shared-engine.ts";
import { closestAcross, isDark, isSelector } from "./page.ts";
import { chooseLanguage, english, fetchStrings } from "./strings/index.ts";
import type { Strings } from "./strings/strings.ts";
import type { Offer } from "./view/card.ts";
import { Frame } from "./view/frame.ts";
import { Words } from "./view/words.ts";

const darkScheme = matchMedia("(prefers-color-scheme: dark)");

/** What must be read again when an attribute changes. */
const ofEngine = new Set(["model", "model-base", "context", "backend"]);

/**
 * `<longtab-chat>`: a chat with a model that runs in the visitor's browser. Loads nothing but itself until a person, or the page by `start` or `send`,
 * asks. Whatever a page writes into its attributes, it never throws: it says what is wrong by an `error` event and to the visitor.
 */
export class LongtabChat extends HTMLElement {
  /** Where the catalogue's files are looked for first, unless `model-base` says otherwise: the script sets it to what its own host may have. */
  static ownModels: string | undefined;
  static readonly observedAttributes = [...Object.values(mirrored), "open", "lang", "dir"];

  declare model: string;
  declare modelBase: string;
  declare system: string;
  declare context: string;
  declare backend: string;
  declare placeholder: string;
  declare theme: string;
  declare opener: string;

  #words = new Words("en");
  #ownStrings: Partial<Strings> = {};
  #language = "en";
  #engine: SharedEngine | undefined;
  #offer: Offer | undefined;
  #state: EngineState = { at: "idle" };
  #opener: Opener = { kind: "none" };
  /** Failures that the page has said it shows itself. */
  readonly #hidden = new Set<LongtabError>();
  readonly #conversation = new Conversation(() => this.#showSoon());
  readonly #frame: Frame;
  #connected = false;
  /** Pages change their own theme by the browser's, or by an attribute of their outermost elements. */
  readonly #onPageTheme = (): void => this.#readLooks();
  readonly #pageTheme = new MutationObserver(this.#onPageTheme);
  #drawing = false;
  /** Of attributes that only look wrong: what was said about them. */
  #told: (string | undefined)[] = [];
  #readyToAsk = Promise.withResolvers<SharedEngine>();

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: "open", delegatesFocus: true });
    this.#frame = new Frame(this, shadow, this.#words, {
      toggle: (open) => (this.open = open),
      send: (text) => void this.send(text).catch(() => {}),
      start: () => this.start(),
      cancel: () => this.#engine?.cancel(),
      lookUp: () => void this.#lookUp(),
      stop: () => this.stop(),
      clear: () => this.clear(),
      retry: (exchange) => this.#retry(exchange),
    });
  }

  /** Whether a floating chat is open. */
  get open(): boolean {
    return this.hasAttribute("open");
  }

  set open(open: boolean) {
    this.toggleAttribute("open", open);
  }

  /** Words of the page's own in place of the widget's. */
  get strings(): Partial<Strings> {
    return this.#ownStrings;
  }

  set strings(strings: Partial<Strings>) {
    this.#ownStrings = { ...strings };
    void this.#readLanguage();
  }

  /** What was said so far. */
  get messages(): ChatMessageDetail[] {
    return this.#conversation.exchanges.flatMap((exchange) => [
      { role: "user" as const, content: exchange.question },
      ...(exchange.answer === "" ? [] : [{ role: "assistant" as const, content: exchange.answer }]),
    ]);
  }

  /** Loads the model, as the button does. */
  start(): void {
    if (!this.isConnected) return;
    if (!this.#offer) this.#readEngine();
    this.#engine?.start();
  }

  /**
   * Asks the model, which is loaded where it is not yet, and resolves with the answer; where the answer is stopped, with what there is of it.
   * @throws LongtabError
   */
  async send(text: string): Promise<string> {
    if (typeof text !== "string" || text.trim() === "") {
      throw new LongtabError({ code: "invalid-message", what: "There is no text to send", remedy: "pass a string that is not empty" });
    }
    if (!this.isConnected) {
      throw new LongtabError({ code: "disposed", what: "The element is in no page, so it has no model", remedy: "put it into one first" });
    }
    const readyToAsk = this.#readyToAsk.promise;
    this.start();
    const engine = await readyToAsk;
    this.#emit("message", { role: "user", content: text });
    const exchange = await this.#conversation.ask(engine, text, this.system);
    if (exchange.answer !== "") {
      this.#emit("message", {
        role: "assistant",
        content: exchange.answer,
        ended: exchange.state === "stopped" ? "stopped" : (exchange.finish ?? "stop"),
      });
    }
    if (exchange.error) throw exchange.error;
    return exchange.answer;
  }

  /** Ends the answer that is under way; what there is of it stays. */
  stop(): void {
    this.#conversation.stop();
  }

  /** Begins a new conversation. */
  clear(): void {
    this.#conversation.clear();
  }

  connectedCallback(): void {
    takeEarlyProperties(this, ["open", "strings"]);
    this.#connected = true;
    this.#pageTheme.observe(document.documentElement, { attributes: true });
    this.#pageTheme.observe(document.body, { attributes: true });
    darkScheme.addEventListener("change", this.#onPageTheme);
    this.#frame.panel.connect();
    this.#readEngine();
    this.#readLooks();
    void this.#readLanguage();
  }

  disconnectedCallback(): void {
    this.#connected = false;
    this.#pageTheme.disconnect();
    darkScheme.removeEventListener("change", this.#onPageTheme);
    this.#frame.panel.disconnect();
    // An element that is moved is taken out and put in again at once: it keeps its model.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#leave();
      // Whoever waits for the model by `send` is told.
      this.#onEngine({ at: "idle" });
    });
  }

  /** With this, `moveBefore` does not count as leaving. */
  connectedMoveCallback(): void {
    this.#readLooks();
  }

  attributeChangedCallback(name: string): void {
    // While an element is made of the page's markup this is called for each attribute; connectedCallback reads them all.
    if (!this.#connected) return;
    if (ofEngine.has(name)) this.#readEngine();
    else if (name === "lang" || name === "dir") void this.#readLanguage();
    else this.#readLooks();
  }

  #leave(): void {
    this.#conversation.stop();
    this.#engine?.leave(this.#onEngine);
    this.#engine = undefined;
    this.#offer = undefined;
  }

  /** The engine that the attributes ask for; the one before is left when it is another. */
  #readEngine(): void {
    const options = this.#checked(readEngineOptions((name) => this.getAttribute(name), LongtabChat.ownModels));
    if (options === undefined) return;
    const engine = SharedEngine.of(options);
    if (engine === this.#engine) return;
    const before = this.#engine;
    try {
      this.#offer = { facts: describeModel(options), stored: undefined, size: undefined };
    } catch (error) {
      return this.#fail(LongtabError.from(error));
    }
    this.#engine = engine;
    engine.join(this.#onEngine);
    before?.leave(this.#onEngine);
    // This one may be ready, too: from now on it is the one to ask.
    if (this.#state.at === "ready") this.#onEngine({ at: "idle" });
    this.#onEngine(engine.state);
    void this.#lookForStored(engine);
  }

  /** A value that stands, or undefined after its failure was told. */
  #checked(checked: Checked<EngineOptions>): EngineOptions | undefined {
    if (!checked.problem) return checked.value;
    this.#fail(checked.problem);
    return undefined;
  }

  /** What cannot be shown or loaded: the engine is left, and the visitor told. */
  #fail(error: LongtabError): void {
    this.#leave();
    this.#onEngine({ at: "failed", error });
  }

  async #lookForStored(engine: SharedEngine): Promise<void> {
    const id = this.#offer?.facts.id;
    const stored = id === undefined ? undefined : await peekStored(id);
    if (engine !== this.#engine || !this.#offer) return;
    this.#offer = { ...this.#offer, stored };
    this.#showSoon();
  }

  async #lookUp(): Promise<void> {
    const offer = this.#offer;
    const size = offer && (await findSize(offer.facts.urls));
    if (!offer || this.#offer?.facts !== offer.facts) return;
    this.#offer = { ...this.#offer, size: size ?? null };
    this.#showSoon();
  }

  readonly #onEngine = (state: EngineState): void => {
    const before = this.#state;
    this.#state = state;
    if (state.at === "loading" && state.progress) this.#emit("progress", state.progress);
    if (state.at === "ready" && before.at !== "ready") {
      this.#emit("ready", { model: state.model.model });
      if (this.#engine) this.#readyToAsk.resolve(this.#engine);
    } else if (state.at !== "ready" && before.at === "ready") {
      this.#readyToAsk = Promise.withResolvers();
    }
    if (state.at === "failed") this.#report(state.error);
    if (state.at === "failed" || (state.at === "idle" && before.at === "loading")) {
      const reason = state.at === "failed" ? state.error : new LongtabError({ code: "aborted", what: "Loading the model was cancelled" });
      // Whoever waits by `send` is told; nobody may be waiting.
      this.#readyToAsk.promise.catch(() => {});
      this.#readyToAsk.reject(reason);
      this.#readyToAsk = Promise.withResolvers();
    }
    if (state.at === "idle" && before.at === "loading" && this.#engine) void this.#lookForStored(this.#engine);
    this.#showSoon();
  };

  #readLooks(): void {
    const attribute = (name: string): string | null => this.getAttribute(name);
    const theme: Checked<Theme> = readTheme(attribute);
    const opener = readOpener(attribute, isSelector);
    this.#frame.root.dataset["theme"] = theme.value === "auto" ? (isDark(this) ? "dark" : "light") : theme.value;
    this.#opener = opener.value;
    const problems = [theme.problem, opener.problem];
    for (const [index, problem] of problems.entries()) if (problem && problem.message !== this.#told[index]) this.#report(problem);
    this.#told = problems.map((problem) => problem?.message);
    this.#show();
  }

  /** The language of the element, else of what it stands in, else of the browser. */
  async #readLanguage(): Promise<void> {
    const nearest = closestAcross(this, "[lang]")?.getAttribute("lang");
    this.#language = chooseLanguage([nearest ?? "", ...navigator.languages].filter((tag) => tag !== ""));
    const language = this.#language;
    const strings = await fetchStrings(language);
    if (language !== this.#language) return;
    this.#words = new Words(strings === english ? "en" : language, { ...strings, ...this.#ownStrings });
    this.#frame.root.dir = ["ar"].includes(this.#words.language) && !closestAcross(this, "[dir]") ? "rtl" : "";
    this.#showSoon();
  }

  #retry(exchange: Exchange): void {
    this.#conversation.remove(exchange);
    void this.send(exchange.question).catch(() => {});
  }

  /** At most once a frame: text may come faster than it is drawn. */
  #showSoon(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      // Back in a page it is drawn; out of it, it must not mark the page's openers.
      if (this.isConnected) this.#show();
    });
  }

  #show(): void {
    const words = this.#words;
    const { exchanges, current } = this.#conversation;
    const ready = this.#state.at === "ready";
    for (const { error } of exchanges) if (error && !this.#reported.has(error)) this.#report(error);
    const { panel, card, composer, messages, status } = this.#frame;
    const moves = card.hasFocus;
    const opened = panel.show(this.#opener, this.open, words);
    card.show(this.#state, this.#offer, words, this.#hidden);
    composer.show({ words, placeholder: this.getAttribute("placeholder") ?? "", answering: current !== undefined });
    this.#frame.show({ words, ready, empty: exchanges.length === 0 });
    messages.show(exchanges, words, this.#hidden);
    if (ready ? opened || moves : opened) (ready ? composer.field : card).focus();
    const said =
      current && current.state !== "done" && current.state !== "stopped" && current.state !== "failed" ? words.say(current.state) : "";
    if (status.textContent !== said) status.textContent = said;
  }

  readonly #reported = new WeakSet<LongtabError>();

  #report(error: LongtabError): void {
    if (this.#reported.has(error)) return;
    this.#reported.add(error);
    if (!this.#emit("error", { error })) this.#hidden.add(error);
  }

  #emit<Type extends keyof ChatEventMap>(type: Type, detail: ChatEventMap[Type]["detail"]): boolean {
    return this.dispatchEvent(new CustomEvent(type, { detail, composed: true, cancelable: type === "error" }));
  }
}

mirrorAttributes(LongtabChat.prototype);
