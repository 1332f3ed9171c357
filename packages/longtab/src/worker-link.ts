import { LongtabError } from "@longtab/errors";
import { explainWorker, startWorker } from "@longtab/origin";
import type { Remote } from "comlink";
import { wrap } from "comlink";
import { carryTypedErrors } from "./comlink-errors.ts";
import type { WorkerApi } from "./protocol.ts";

carryTypedErrors();

/** A worker of the page and the calls to it. A worker that is gone answers nothing; here its calls fail instead of waiting for ever. */
export class WorkerLink {
  /** Resolves once with the reason, whoever ended the worker. */
  readonly ended: Promise<LongtabError>;
  readonly #worker = startWorker(() => new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "longtab" }));
  readonly #api: Remote<WorkerApi> = wrap<WorkerApi>(this.#worker);
  readonly #pending = new Set<(reason: LongtabError) => void>();
  #reason: LongtabError | undefined;
  #resolveEnded: (reason: LongtabError) => void = () => {};

  constructor() {
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#worker.addEventListener("error", ({ message }) => void this.#fail(message));
    void this.#watch();
  }

  /** @throws LongtabError what the worker throws, or the reason for which it has ended */
  async call<T>(work: (api: Remote<WorkerApi>) => Promise<T>): Promise<T> {
    if (this.#reason) throw this.#reason;
    return new Promise((resolve, reject) => {
      this.#pending.add(reject);
      const settle = (): unknown => this.#pending.delete(reject);
      work(this.#api)
        .then(resolve, (error: unknown) => reject(LongtabError.from(error)))
        .finally(settle);
    });
  }

  /** Ends the worker, and with it its device and memory. The first reason stays. */
  end(reason: LongtabError): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#worker.terminate();
    for (const reject of this.#pending) reject(reason);
    this.#resolveEnded(reason);
  }

  async #fail(message: string): Promise<void> {
    this.end((await explainWorker(this.#worker)) ?? failed(message || "it could not be started"));
  }

  /**
   * No event says that a worker has died: short of memory, or killed by the browser. But the browser gives a dead worker's lock to the
   * next that asks for it.
   */
  async #watch(): Promise<void> {
    const locks = (navigator as Partial<Navigator>).locks;
    if (!locks) return;
    const name = `longtab-worker ${crypto.randomUUID()}`;
    try {
      await this.call((api) => api.holdLock(name));
      await locks.request(name, () => this.end(failed("it ended of itself")));
    } catch {
      // A page without an origin has no locks, and a worker that fails to start says so by its event.
    }
  }
}

function failed(why: string): LongtabError {
  return new LongtabError({
    code: "internal",
    what: `The worker failed: ${why}`,
    remedy: "load the model again; stored models and conversations are kept",
  });
}
