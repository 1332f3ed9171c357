import type { Timeline } from "@longtab/engine";
import { logProbability, mostProbable } from "./distribution.ts";
import { force } from "./force.ts";
import type { Needle } from "./passkeys.ts";

/** How a question about a needle was answered. */
export interface Reply {
  /** Whether greedy decoding would have said the whole number. */
  right: boolean;
  /** ln p of the whole number. */
  logprob: number;
  /** Logits before each token of the answer; [answer][vocabulary]. */
  logits: Float32Array[];
}

/**
 * Asks for a needle at the end of a timeline, which grows by the question and the answer: by teacher forcing, which tells just as well whether greedy
 * decoding says the number, and tells how probable it was.
 * @param rows tokens of a step, as in `force`.
 */
export async function ask(timeline: Timeline, { question, answer }: Pick<Needle, "question" | "answer">, rows: number): Promise<Reply> {
  const ids = Uint32Array.of(...question, ...answer.subarray(0, -1));
  const reply: Reply = { right: true, logprob: 0, logits: [] };
  await force(timeline, ids, rows, (index, logits) => {
    const expected = answer[index - (question.length - 1)];
    if (expected === undefined) return;
    if (mostProbable(logits) !== expected) reply.right = false;
    reply.logprob += logProbability(logits, expected);
    reply.logits.push(logits.slice());
  });
  return reply;
}
