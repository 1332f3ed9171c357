import { LongtabError } from "@longtab/errors";
import { Attribute } from "./attributes.ts";
import { Guard } from "./guard.ts";
import { SpecialTokens } from "./special-tokens.ts";
import type { Fragment } from "./special-tokens.ts";
import type { Vocabulary } from "./vocabulary.ts";

const ROLES = ["system", "user", "assistant"] as const;

/** One turn of a conversation. */
export interface Message {
  readonly role: (typeof ROLES)[number];
  readonly content: string;
}

export interface ChatOptions {
  /** Ends with the opening of the assistant's answer. Default true. */
  addGenerationPrompt?: boolean;
  /** The time that a template's `strftime_now` sees. Default: now. */
  now?: Date;
}

/** Writes conversations as a model expects them. */
export interface Template {
  /** @throws LongtabError `template-failed` */
  render(messages: readonly Message[], options: { addGenerationPrompt: boolean; now: Date }): string;
}

/** Reads a template of a model's file; `tokens` are the special tokens by the names that templates use. @throws LongtabError `template-failed` */
export type ReadTemplate = (source: string, tokens: Readonly<Record<string, string>>) => Template;

/** What models trained on ChatML expect; for files that have its tokens and no template. */
export const CHATML =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** Conversations in a model's own format. */
export class Chat {
  readonly #vocabulary: Vocabulary;
  readonly #special: SpecialTokens;
  readonly #source: string | undefined;
  readonly #read: ReadTemplate;
  #prepared: { template: Template; guard: Guard } | undefined;

  constructor(vocabulary: Vocabulary, special: SpecialTokens, source: string | undefined, read: ReadTemplate) {
    this.#vocabulary = vocabulary;
    this.#special = special;
    const hasChatMl = vocabulary.ids.has("<|im_start|>") && vocabulary.ids.has("<|im_end|>");
    this.#read = read;
    this.#source = source ?? (hasChatMl ? CHATML : undefined);
  }

  /** The rendered conversation cut at the special tokens that the template put there, and at no others. */
  render(messages: readonly Message[], { addGenerationPrompt = true, now = new Date() }: ChatOptions): Fragment[] {
    validate(messages);
    const { template, guard } = (this.#prepared ??= this.#prepare());
    const turns = messages.map(({ role, content }) => ({ role, content: content.toWellFormed() }));
    const hidden = guard.hide(turns);
    const rendered = template.render(hidden.messages, { addGenerationPrompt, now }).toWellFormed();
    return this.#special.partition(rendered).map((fragment) => (typeof fragment === "string" ? hidden.restore(fragment) : fragment));
  }

  #prepare(): { template: Template; guard: Guard } {
    if (this.#source === undefined) {
      throw new LongtabError({
        code: "template-failed",
        what: "The model has no chat template",
        remedy: "use a chat or instruct model, or plain completion instead of chat",
      });
    }
    const { texts, bosId, eosId, unknownId, paddingId } = this.#vocabulary;
    const text = (id: number | undefined): string => (id === undefined ? "" : (texts[id] ?? ""));
    const template = this.#read(this.#source, {
      bos_token: text(bosId),
      eos_token: text(eosId),
      unk_token: text(unknownId),
      pad_token: text(paddingId),
    });
    const structure = this.#structure(template);
    const guarded = new SpecialTokens(
      this.#vocabulary,
      (bits, id) => (bits & (Attribute.control | Attribute.unknown)) !== 0 || structure.has(id),
    );
    return { template, guard: new Guard(guarded, texts, this.#source) };
  }

  /**
   * The tokens that the template writes around a plain message. Some files (Gemma's) have turn markers that are typed as words, and
   * a marker must not come out of a message's content. Words like <think>, which templates look for in content, stay words, and so do
   * line breaks, which some files (Gemma's) have as tokens too: they mark nothing, and templates trim them off content.
   */
  #structure(template: Template): Set<number> {
    try {
      const probe = template.render([{ role: "user", content: "x" }], { addGenerationPrompt: true, now: new Date(0) });
      const tokens = this.#special.partition(probe).filter((fragment) => typeof fragment === "number");
      return new Set(tokens.filter((id) => this.#vocabulary.texts[id]?.trim() !== ""));
    } catch {
      // A template that refuses a lone user message will be asked again with the real ones, and says there what is wrong.
      return new Set();
    }
  }
}

function validate(messages: readonly Message[]): void {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new LongtabError({ code: "invalid-message", what: "There is no message", remedy: "pass a list of at least one message" });
  }
  for (const [index, message] of (messages as readonly unknown[]).entries()) {
    const { role, content } = (typeof message === "object" && message !== null ? message : {}) as Partial<Record<string, unknown>>;
    if (typeof role !== "string" || !(ROLES as readonly string[]).includes(role)) {
      throw new LongtabError({
        code: "invalid-message",
        what: `Message ${index} has a role that is not known`,
        value: String(role),
        remedy: `use one of ${ROLES.join(", ")}`,
      });
    }
    if (typeof content !== "string") {
      throw new LongtabError({
        code: "invalid-message",
        what: `The content of message ${index} is not a string`,
        value: content === null ? "null" : typeof content,
        remedy: "pass the text of the message as one string",
      });
    }
  }
}
