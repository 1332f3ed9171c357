import { LongtabError } from "longtab/parts";
import type { ChatMessage } from "longtab/parts";
import type { SharedEngine } from "./shared-engine.ts";

/** A question and its answer. */
export interface Exchange {
  readonly question: string;
  answer: string;
  /** "waiting" for the model's turn, "reading" the question, "writing" the answer. */
  state: "waiting" | "reading" | "writing" | "done" | "stopped" | "failed";
  /** Why the model ended the answer, once it has. */
  finish: "stop" | "length" | undefined;
  error: LongtabError | undefined;
}

/** What was asked and answered, in order, and the answer that is under way. */
export class Conversation {
  readonly #onChange: () => void;
  #exchanges: Exchange[] = [];
  #running: AbortController | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** Counts clearings: what belongs to an earlier conversation is dropped. */
  #cleared = 0;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get exchanges(): readonly Exchange[] {
    return this.#exchanges;
  }

  /** The exchange whose answer is under way. */
  get current(): Exchange | undefined {
    return this.#running && this.#exchanges.at(-1);
  }

  /**
   * Asks, once earlier questions are answered, and resolves when the answer has ended, however it has.
   * @throws LongtabError `aborted` where the conversation was cleared before its turn came.
   */
  async ask(engine: SharedEngine, question: string, system: string): Promise<Exchange> {
    const cleared = this.#cleared;
    const turn = this.#last.then(async () => {
      if (cleared !== this.#cleared) throw new LongtabError({ code: "aborted", what: "The conversation was cleared" });
      return this.#run(engine, question, system);
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  stop(): void {
    this.#running?.abort();
  }

  clear(): void {
    this.#cleared++;
    this.stop();
    this.#exchanges = [];
    this.#onChange();
  }

  /** Takes back an exchange that failed, to ask again. */
  remove(exchange: Exchange): void {
    this.#exchanges = this.#exchanges.filter((one) => one !== exchange);
    this.#onChange();
  }

  async #run(engine: SharedEngine, question: string, system: string): Promise<Exchange> {
    const messages = toMessages(this.#exchanges, question, system);
    const exchange: Exchange = { question, answer: "", state: engine.busy ? "waiting" : "reading", finish: undefined, error: undefined };
    const controller = new AbortController();
    this.#running = controller;
    this.#exchanges = [...this.#exchanges, exchange];
    this.#onChange();
    const onTurn = (): void => {
      if (exchange.state !== "waiting") return;
      exchange.state = "reading";
      this.#onChange();
    };
    try {
      for await (const { choices } of engine.answer(messages, controller.signal, onTurn)) {
        const [choice] = choices;
        if (choice?.delta.content) {
          exchange.answer += choice.delta.content;
          exchange.state = "writing";
          this.#onChange();
        }
        exchange.finish = choice?.finish_reason ?? exchange.finish;
      }
      exchange.state = "done";
    } catch (cause) {
      const error = LongtabError.from(cause);
      exchange.state = error.code === "aborted" ? "stopped" : "failed";
      if (exchange.state === "failed") exchange.error = error;
    }
    if (this.#running === controller) this.#running = undefined;
    this.#onChange();
    return exchange;
  }
}

/** The request's messages: what was answered, wholly or in part, and the new question. Templates want roles to alternate. */
export function toMessages(exchanges: readonly Exchange[], question: string, system: string): ChatMessage[] {
  const answered = exchanges.filter(({ answer }) => answer.trim() !== "");
  return [
    ...(system.trim() === "" ? [] : [{ role: "system" as const, content: system }]),
    ...answered.flatMap((exchange) => [
      { role: "user" as const, content: exchange.question },
      { role: "assistant" as const, content: exchange.answer },
    ]),
    { role: "user", content: question },
  ];
}
