import type { CpuHost, Thread } from "./host.ts";
import type { Kernels } from "./kernels.ts";

/** Threads beside the one that leads. A helper that cannot start is done without: the others take its items. */
export class Team {
  readonly #kernels: Kernels;
  readonly #threads = new Set<Thread>();

  constructor(host: CpuHost, module: WebAssembly.Module, memory: WebAssembly.Memory, kernels: Kernels, helpers: number) {
    this.#kernels = kernels;
    for (let helper = 0; helper < helpers; helper++) {
      try {
        this.#add(host.startThread({ module, memory }));
      } catch {
        // A page's policy may forbid workers of workers.
        break;
      }
    }
    kernels.setHelpers(this.#threads.size);
  }

  /** With the leader. */
  get threads(): number {
    return 1 + this.#threads.size;
  }

  dispose(): void {
    for (const thread of this.#threads) thread.terminate();
    this.#threads.clear();
    this.#kernels.setHelpers(0);
  }

  #add(thread: Thread): void {
    this.#threads.add(thread);
    void thread.failed.then(() => {
      if (this.#threads.delete(thread)) this.#kernels.setHelpers(this.#threads.size);
    });
  }
}
