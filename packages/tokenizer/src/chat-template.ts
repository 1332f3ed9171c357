import { LongtabError } from "@longtab/errors";
import { Environment, parse, tokenize } from "@huggingface/jinja";
import { BoundedInterpreter, LimitReached } from "./bounded-interpreter.ts";
import type { Message, ReadTemplate, Template } from "./chat.ts";
import { strftime } from "./strftime.ts";

/** Characters. The largest template in use has about 30,000; a parser of nested text must not be fed without end. */
const MAX_TEMPLATE = 256 * 1024;

/** Characters of whitespace in a row, for which the library takes time by their square. Templates indent by some tens. */
const MAX_BLANK = 1000;
const BLANK = new RegExp(`(?<!\\s)\\s{${MAX_BLANK + 1},}`);

/** Elements of a `range`; templates count turns. */
const MAX_RANGE = 100_000;

/** Steps of evaluation (see `BoundedInterpreter`) that a template may take: templates in use take 20 to 200 a message. */
const BASE_STEPS = 100_000;
const STEPS_PER_MESSAGE = 5000;

/** Characters of output beyond eight times the content: system prompts that templates bring along. */
const BASE_OUTPUT = 1_000_000;

/** A chat template as transformers renders it: Jinja with trim_blocks and lstrip_blocks, the special tokens by name. */
export class ChatTemplate implements Template {
  readonly #program: ReturnType<typeof parse>;
  readonly #tokens: Readonly<Record<string, string>>;

  /** @throws LongtabError `template-failed` when the template is too long or is not one. */
  constructor(source: string, tokens: Readonly<Record<string, string>>) {
    if (source.length > MAX_TEMPLATE) {
      throw failure("The model's chat template is too long", undefined, { value: source.length, limit: MAX_TEMPLATE });
    }
    const blank = source.match(BLANK)?.[0].length;
    if (blank !== undefined) {
      throw failure("The model's chat template has too much whitespace in a row", undefined, { value: blank, limit: MAX_BLANK });
    }
    this.#tokens = tokens;
    try {
      // As the library's Template does, which would bring its formatter of templates along.
      this.#program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
    } catch (error) {
      throw failure(`The model's chat template cannot be read: ${reason(error)}`, error);
    }
  }

  /** @throws LongtabError `template-failed` when the template refuses the messages, fails or does not end within its limits. */
  render(messages: readonly Message[], { addGenerationPrompt, now }: { addGenerationPrompt: boolean; now: Date }): string {
    const content = messages.reduce((length, message) => length + message.content.length, 0);
    let refusal: string | undefined;
    const environment = new Environment();
    const globals: Record<string, unknown> = {
      true: true,
      True: true,
      false: false,
      False: false,
      none: null,
      None: null,
      range: boundedRange,
      raise_exception: (message: unknown) => {
        refusal = String(message);
        throw new Error(refusal);
      },
      strftime_now: (format: unknown) => strftime(now, String(format)),
      messages,
      tools: null,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
      ...this.#tokens,
    };
    for (const [name, value] of Object.entries(globals)) environment.set(name, value);
    const interpreter = new BoundedInterpreter(environment, {
      steps: BASE_STEPS + STEPS_PER_MESSAGE * messages.length + content,
      length: BASE_OUTPUT + 8 * content,
    });
    try {
      return interpreter.run(this.#program).toString();
    } catch (error) {
      if (refusal !== undefined) throw refused(refusal);
      if (error instanceof LimitReached) throw failure(`The model's chat template ${error.message}`, error, error);
      throw failure(`The model's chat template failed: ${reason(error)}`, error);
    }
  }
}

export const readTemplate: ReadTemplate = (source, tokens) => new ChatTemplate(source, tokens);

function boundedRange(first: number, last?: number, step = 1): number[] {
  const [start, stop] = last === undefined ? [0, first] : [first, last];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  // NaN, for arguments that are no numbers or a step of 0, fails the comparison too.
  if (!(length <= MAX_RANGE)) throw new LimitReached("asks for a range that is too long", length, MAX_RANGE);
  return Array.from({ length }, (_, index) => start + index * step);
}

function refused(message: string): LongtabError {
  return new LongtabError({
    code: "template-failed",
    what: `The model's chat template refuses these messages: ${message.slice(0, 500).replace(/\.$/, "")}`,
    remedy: "change the roles or their order as the template wants them",
  });
}

function failure(what: string, cause: unknown, numbers: { value?: number; limit?: number } = {}): LongtabError {
  return new LongtabError({
    code: "template-failed",
    what,
    remedy: "use another file of this model, or plain completion instead of chat",
    ...(numbers.value === undefined ? {} : { value: numbers.value }),
    ...(numbers.limit === undefined ? {} : { limit: numbers.limit }),
    ...(cause === undefined ? {} : { cause }),
  });
}

function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 500).replace(/\.$/, "");
}
