import type { PageUsage } from "@longtab/attention";
import { LongtabError, orAborted } from "@longtab/errors";
import type { ByteSource } from "@longtab/formats";
import type { Message, Tokenizer } from "@longtab/tokenizer";
import type { Backend } from "./backend.ts";
import { generate } from "./generate.ts";
import type { GenerateOptions, Piece, Summary } from "./generate.ts";
import { commonLength, Session } from "./session.ts";

/**
 * Messages in the model's chat format, a text, or what `Engine.encode` made of either; `shared`: how many of the ids other prompts are
 * likely to begin with.
 */
export type Prompt = { messages: readonly Message[] } | { text: string } | { ids: Uint32Array; shared?: number };

/**
 * A loaded model: a backend, its tokenizer and one session, which keeps the tokens of the last conversation so that the next turn
 * reads only what is new. Requests are answered one after another, in order.
 */
export class Engine {
  readonly backend: Backend;
  readonly tokenizer: Tokenizer;
  #session: Session;
  #last: Promise<unknown> = Promise.resolve();

  /** @throws LongtabError `file-malformed` when the tokenizer and the embedding do not belong together. */
  constructor(backend: Backend, tokenizer: Tokenizer) {
    if (tokenizer.vocabularySize > backend.vocabularySize) {
      throw new LongtabError({
        code: "file-malformed",
        what: "The tokenizer has more tokens than the embedding has rows",
        value: tokenizer.vocabularySize,
        limit: backend.vocabularySize,
        remedy: "use another file of the model",
      });
    }
    this.backend = backend;
    this.tokenizer = tokenizer;
    this.#session = new Session(backend);
  }

  /** Tokens of the last conversation that are still held. */
  get contextTokens(): number {
    return this.#session.length;
  }

  /** Their ids, in order: a prompt that begins with them reads only what is new. */
  get contextIds(): Uint32Array<ArrayBuffer> {
    return this.#session.ids;
  }

  /** What the pages of the last conversation are, now. */
  get pages(): PageUsage {
    return this.#session.timeline.pages();
  }

  /** How often decode steps selected something of each page of 16 tokens, over all heads, since this was last asked. */
  async retrieved(): Promise<Uint32Array> {
    return this.#session.timeline.retrieved();
  }

  /** The ids that a prompt becomes. @throws LongtabError `invalid-message`, `template-failed`. */
  encode(prompt: Prompt): Uint32Array {
    if ("ids" in prompt) return prompt.ids;
    if ("messages" in prompt) return this.tokenizer.encodeChat(prompt.messages);
    const ids = this.tokenizer.encode(prompt.text);
    const { addBos, bosId } = this.tokenizer;
    if (!addBos || bosId === undefined) return ids;
    const withBos = new Uint32Array(ids.length + 1);
    withBos[0] = bosId;
    withBos.set(ids, 1);
    return withBos;
  }

  /** Ids that every conversation with the same system message begins with; 0 where there is none. */
  sharedTokens(messages: readonly Message[]): number {
    const [system] = messages;
    if (system?.role !== "system" || messages.length < 2) return 0;
    try {
      const alone = this.tokenizer.encodeChat([system], { addGenerationPrompt: false });
      return commonLength(alone, this.tokenizer.encodeChat(messages));
    } catch {
      // Some templates have no place for a system message, or none for one alone.
      return 0;
    }
  }

  /**
   * Answers a prompt, piece by piece; waits for its turn behind earlier requests.
   * @throws LongtabError as `generate` and `encode` do.
   */
  async *complete(prompt: Prompt, options: GenerateOptions): AsyncGenerator<Piece, Summary> {
    const finish = await this.#turn(options.signal);
    try {
      const shared = "messages" in prompt ? this.sharedTokens(prompt.messages) : "ids" in prompt ? prompt.shared : undefined;
      return yield* generate(this.backend, this.#session, this.tokenizer, this.encode(prompt), { ...options, shared });
    } finally {
      finish();
    }
  }

  /**
   * The last conversation's keys and values as bytes, a piece of about a megabyte at a time, for `restore`: about as many as
   * `backend.memory().kv`. Waits for its turn, and later requests wait until the last piece was taken. Gives nothing where nothing is held.
   * @param model a fingerprint of the weights, which `restore` compares.
   * @throws LongtabError `device-lost`, `disposed`.
   */
  async *snapshot(model: string): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    const finish = await this.#turn();
    try {
      yield* this.#session.snapshot(model);
    } finally {
      finish();
    }
  }

  /**
   * Brings back a conversation from a snapshot: the next prompt that begins with its tokens reads only what is new. What was held before is
   * forgotten, unless the snapshot is refused: then nothing changes.
   * @throws LongtabError as `Session.restore` does.
   */
  async restore(source: ByteSource, model: string, signal?: AbortSignal): Promise<void> {
    const finish = await this.#turn(signal);
    try {
      await this.#session.restore(source, model, signal);
    } finally {
      finish();
    }
  }

  dispose(): void {
    this.#session.dispose();
    this.backend.dispose();
  }

  /** Waits until all requests before this one are done; whoever has the turn must call what it resolves with. */
  async #turn(signal?: AbortSignal): Promise<() => void> {
    const before = this.#last;
    let finish = (): void => {};
    this.#last = new Promise<void>((resolve) => (finish = resolve)).then(() => before);
    try {
      await orAborted(before, signal);
    } catch (error) {
      finish();
      throw error;
    }
    return finish;
  }
}
