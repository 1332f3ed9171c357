import { LongtabError, orAborted } from "@longtab/errors";
import type { Message, Tokenizer } from "@longtab/tokenizer";
import type { Backend } from "./backend.ts";
import { generate } from "./generate.ts";
import type { GenerateOptions, Piece, Summary } from "./generate.ts";
import { Session } from "./session.ts";

export type Prompt = { messages: readonly Message[] } | { text: string };

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

  /** The ids that a prompt becomes. @throws LongtabError `invalid-message`, `template-failed`. */
  encode(prompt: Prompt): Uint32Array {
    if ("messages" in prompt) return this.tokenizer.encodeChat(prompt.messages);
    const ids = this.tokenizer.encode(prompt.text);
    const { addBos, bosId } = this.tokenizer;
    if (!addBos || bosId === undefined) return ids;
    const withBos = new Uint32Array(ids.length + 1);
    withBos[0] = bosId;
    withBos.set(ids, 1);
    return withBos;
  }

  /**
   * Answers a prompt, piece by piece; waits for its turn behind earlier requests.
   * @throws LongtabError as `generate` and `encode` do.
   */
  async *complete(prompt: Prompt, options: GenerateOptions): AsyncGenerator<Piece, Summary> {
    const before = this.#last;
    let finish = (): void => {};
    this.#last = new Promise<void>((resolve) => (finish = resolve)).then(() => before);
    try {
      await orAborted(before, options.signal);
      return yield* generate(this.backend, this.#session, this.tokenizer, this.encode(prompt), options);
    } finally {
      finish();
    }
  }

  dispose(): void {
    this.#session.dispose();
    this.backend.dispose();
  }
}
