import { signal } from "@preact/signals";
import type { Problem } from "./conversation.ts";
import { toProblem } from "./problems.ts";

/** Conversations on their way into a file or out of one. */
export interface Transfer {
  kind: "export" | "import";
  done: number;
  total: number;
  cancel: () => void;
}

/** The one under way. */
export const transfer = signal<Transfer | null>(null);
/** Why the last one failed, until the next begins. */
export const transferProblem = signal<{ kind: Transfer["kind"]; problem: Problem } | null>(null);

type Report = (done: number, total: number) => void;

/** Runs one at a time; a second is not begun. What it throws is shown. */
export async function runTransfer(kind: Transfer["kind"], work: (report: Report, aborted: AbortSignal) => Promise<void>): Promise<void> {
  if (transfer.peek() !== null) return;
  const controller = new AbortController();
  const cancel = (): void => controller.abort();
  transferProblem.value = null;
  transfer.value = { kind, done: 0, total: 0, cancel };
  let shownAt = 0;
  try {
    await work((done, total) => {
      // Thousands of them a second are no news.
      if (performance.now() - shownAt < 50) return;
      shownAt = performance.now();
      transfer.value = { kind, done, total, cancel };
    }, controller.signal);
  } catch (error) {
    transferProblem.value = { kind, problem: toProblem(error) };
  } finally {
    transfer.value = null;
  }
}
