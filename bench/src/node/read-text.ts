import { pageTokens } from "@longtab/attention";
import { Session } from "@longtab/engine";
import type { Timeline } from "@longtab/engine";
import type { ContextFigures, PrefillFigures } from "../context/figures.ts";
import { mostSessionTokens } from "../options.ts";
import { createPrompt } from "../prompts.ts";
import { attempt } from "../report.ts";
import type { Clock } from "./clock.ts";
import { measureSnapshot } from "./measure-snapshot.ts";
import type { ContextInput, OpenedContext } from "./open-context.ts";
import { greedy } from "./run-longtab.ts";

/** Pages of every head that are copied at a time. */
const blocksAtOnce = 64;

/** A text that was read as far as `timeline`, which stays there to be forked. */
export interface Mark {
  /** The length that is asked for: `short` tokens further on. */
  tokens: number;
  timeline: Timeline;
}

/** Reads the text once, to `short` tokens before each length: what is timed ends there. */
export async function readText(
  { backend, tokenizer }: OpenedContext,
  { lengths, read, rounds }: ContextInput,
  short: number,
  clock: Clock,
): Promise<{ marks: Mark[] } & Pick<ContextFigures, "prefill" | "snapshot">> {
  const ids = Uint32Array.from(createPrompt(tokenizer, Math.max(...lengths)).ids);
  const session = new Session(backend);
  const text = session.timeline;
  const marks: Mark[] = [];
  const prefill: PrefillFigures[] = [];
  const snapshotAt = Math.max(...lengths.filter((tokens) => tokens <= mostSessionTokens));
  let snapshot: ContextFigures["snapshot"] = { state: "skipped", reason: `every length is above ${mostSessionTokens}` };
  for (const tokens of lengths) {
    const [from, to] = [text.length, Math.min(tokens - short, read)];
    const started = clock();
    if (to > from) {
      await text.prefill(ids.subarray(from, to), greedy);
      prefill.push({ from, to, seconds: (clock() - started) / 1000 });
    }
    await repeatText(text, ids, tokens - short, read);
    marks.push({ tokens, timeline: text.fork() });
    session.settle(0, ids.subarray(0, tokens - short));
    if (tokens === snapshotAt) snapshot = await attempt(async () => measureSnapshot(backend, session, rounds, clock));
  }
  session.dispose();
  return { marks, prefill, snapshot };
}

/**
 * Goes on to `to` with the keys and values of the first `read` tokens over and over, as if these had been read at the positions where they
 * are put. What they say is nonsense; what a step costs is the same. The last tokens are read, so that one is drawn.
 */
async function repeatText(text: Timeline, ids: Uint32Array, to: number, read: number): Promise<void> {
  const readTo = async (end: number): Promise<void> => {
    if (text.length < end) await text.prefill(ids.subarray(text.length, end), greedy);
  };
  const whole = Math.floor((to - 1) / pageTokens) * pageTokens;
  if (text.length < whole) await readTo(Math.ceil(text.length / pageTokens) * pageTokens);
  // The first page has what nothing else does: the sink.
  const [source, end] = [1, Math.floor(Math.min(read, text.length) / pageTokens)];
  for (let first = source; text.length < whole;) {
    const count = Math.min(blocksAtOnce, end - first, (whole - text.length) / pageTokens);
    const blocks = await text.readBlocks(first, count);
    await text.appendBlocks(ids.subarray(text.length, text.length + count * pageTokens), blocks, text.gaps());
    first = first + count < end ? first + count : source;
  }
  await readTo(to);
}
