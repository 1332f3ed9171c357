import { LongtabError, orAborted, throwIfAborted } from "@longtab/errors";
import type { Tokenizer } from "@longtab/tokenizer";
import type { Backend, Sampling } from "./backend.ts";
import type { Session } from "./session.ts";
import { StopMatcher } from "./stop.ts";

export interface GenerateOptions {
  sampling: Sampling;
  /** Default: until the model stops or the context is full. */
  maxTokens?: number | undefined;
  stop?: readonly string[] | undefined;
  signal?: AbortSignal | undefined;
  /** Tokens of the prompt that others are likely to begin with: they are read once, where the context forgets too. */
  shared?: number | undefined;
  /** The prompt ends inside the text that is written on: a space at the seam is part of it. */
  continues?: boolean | undefined;
  /** Tokens of the prompt read so far, of those that the cache did not hold. */
  onPrefill?: ((done: number, total: number) => void) | undefined;
}

/** Text that is ready to show, and the tokens that made it; a token that only completes a character later adds to a later piece. */
export interface Piece {
  text: string;
  tokens: number;
}

export interface Summary {
  /** "stop": the model ended or a stop string matched; "length": `maxTokens` or the context ran out. */
  finishReason: "stop" | "length";
  promptTokens: number;
  /** Of those, tokens whose keys and values were still there from an earlier request. */
  cachedTokens: number;
  completionTokens: number;
  prefillSeconds: number;
  decodeSeconds: number;
}

/**
 * The loop: reads the prompt, then draws token after token. A device runs ahead of what is read back, so it never idles; a stop
 * that comes late rolls the session back by length. However it ends (also by a throw or by leaving the iteration), the session
 * holds exactly the prompt and the tokens that were accepted.
 *
 * @throws LongtabError `empty-prompt`, `context-exceeded`, `aborted`, `device-lost`.
 */
export async function* generate(
  backend: Backend,
  session: Session,
  tokenizer: Tokenizer,
  prompt: Uint32Array,
  options: GenerateOptions,
): AsyncGenerator<Piece, Summary> {
  const { sampling, signal } = options;
  checkPrompt(prompt, backend);
  throwIfAborted(signal);
  const room = backend.contextLength - prompt.length;
  const budget = Math.min(options.maxTokens ?? room, room);
  const cachedTokens = session.reuse(prompt);
  const decoder = tokenizer.createDecoder({ continues: options.continues ?? false });
  const stops = new StopMatcher(options.stop ?? []);
  const accepted: number[] = [];
  const started = performance.now();
  let prefilled = started;
  const summary = (finishReason: Summary["finishReason"]): Summary => ({
    finishReason,
    promptTokens: prompt.length,
    cachedTokens,
    completionTokens: accepted.length,
    prefillSeconds: (prefilled - started) / 1000,
    decodeSeconds: (performance.now() - prefilled) / 1000,
  });

  try {
    const first = session.read(prompt, sampling, options.shared, {
      ...(signal && { signal }),
      ...(options.onPrefill && { onProgress: options.onPrefill }),
    });
    const drawn = [first];
    const runAhead = (steps: number): void => {
      while (drawn.length < steps && accepted.length + drawn.length < budget) drawn.push(quiet(session.timeline.decode(sampling)));
    };
    let id = await orAborted(first, signal);
    prefilled = performance.now();
    for (;;) {
      void drawn.shift();
      accepted.push(id);
      if (tokenizer.eogIds.has(id)) {
        yield { text: ending(stops, decoder.flush()).text, tokens: 1 };
        return summary("stop");
      }
      const { text, stopped } = stops.push(decoder.push(id));
      if (stopped) {
        yield { text, tokens: 1 };
        return summary("stop");
      }
      if (accepted.length >= budget) {
        const rest = ending(stops, decoder.flush());
        yield { text: text + rest.text, tokens: 1 };
        return summary(rest.stopped ? "stop" : "length");
      }
      runAhead(backend.stepsAhead((performance.now() - prefilled) / 1000 / accepted.length));
      yield { text, tokens: 1 };
      runAhead(1);
      id = await orAborted(drawn[0] as Promise<number>, signal);
    }
  } finally {
    session.settle(cachedTokens, [...prompt.subarray(cachedTokens), ...accepted]);
  }
}

/** The last of the text: what is left of it, then what was held back, up to a stop string. */
function ending(stops: StopMatcher, rest: string): { text: string; stopped: boolean } {
  const { text, stopped } = stops.push(rest);
  return { text: stopped ? text : text + stops.flush(), stopped };
}

function checkPrompt(prompt: Uint32Array, { contextLength }: Backend): void {
  if (prompt.length === 0) throw new LongtabError({ code: "empty-prompt", what: "The prompt is empty", remedy: "write something" });
  if (prompt.length >= contextLength) {
    throw new LongtabError({
      code: "context-exceeded",
      what: "The prompt leaves no room for an answer in the context",
      value: `${prompt.length} tokens`,
      limit: `${contextLength} tokens`,
      remedy: "start a new chat, delete earlier turns, or shorten the text",
    });
  }
}

/** A step that nobody will wait for may fail (a lost device, an abort) without being an unhandled rejection. */
function quiet<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}
