import { force, logProbability } from "@longtab/calibration";
import type { Timeline } from "@longtab/engine";
import type { Parts } from "./parts.ts";
import type { StreamingCell } from "./cells.ts";
import { takeTokens } from "./scenes.ts";
import type { Stage } from "./stage.ts";
import type { BookText } from "./texts.ts";

/** Share of the text that comes before: the first chapters of famous books are known by heart, which no memory is needed for. */
const begin = 0.25;

/**
 * The loss of each window of one long text: the mean -ln p of its tokens, in nats; once for every turn. A policy that does not select sees of every
 * row what it sees in a step of its own, so rows are run as many at a time as can be scored.
 */
export async function measureStreaming(
  stage: Stage,
  parts: Parts,
  cells: readonly StreamingCell[],
  texts: readonly BookText[],
  window: number,
): Promise<void> {
  const text = texts.toSorted((a, b) => b.text.length - a.text.length)[0] as BookText;
  for (const cell of cells) {
    const ids = takeTokens(stage.tokenizer, text, Math.floor(text.text.length * begin), cell.tokens);
    for (let turn = 0; turn < cell.turns; turn++) {
      const from = turn * stage.trained;
      const scene = `${text.name} from ${begin * 100}%, ${cell.tokens} tokens${turn === 0 ? "" : `, turned by ${from}`}`;
      if (parts.has({ ...cell, scene })) continue;
      const started = performance.now();
      const values = await streamThrough(stage, cell, turned(ids, from), window);
      await parts.add({ suite: cell.suite, cell: cell.cell, scene, values, seconds: (performance.now() - started) / 1000 });
    }
  }
}

/** The text from a token on, then what stands before it. */
function turned(ids: Uint32Array, from: number): Uint32Array {
  const all = new Uint32Array(ids.length);
  all.set(ids.subarray(from));
  all.set(ids.subarray(0, from), ids.length - from);
  return all;
}

/** The mean loss of each window, and the pages that are in use at its end. */
async function streamThrough(
  stage: Stage,
  { cell, context }: StreamingCell,
  ids: Uint32Array,
  window: number,
): Promise<Record<"nll" | "pages", number[]>> {
  const values: Record<"nll" | "pages", number[]> = { nll: [], pages: [] };
  const timeline = (await stage.backend(context)).createTimeline(stage.policy(context));
  try {
    for (let at = 0; at + window <= ids.length; at += window) {
      const nll = await scoreWindow(timeline, ids, at, window);
      values.nll.push(nll);
      const { sink, recent, kept, far, quantised } = timeline.pages();
      values.pages.push(sink + recent + kept + far + quantised);
      process.stderr.write(`  ${cell}: ${at + window} of ${ids.length} tokens, ${nll.toFixed(3)} nats\n`);
    }
  } finally {
    timeline.dispose();
  }
  return values;
}

/** Runs the tokens of a window and returns the mean loss of what follows each, in nats. */
async function scoreWindow(timeline: Timeline, ids: Uint32Array, at: number, window: number): Promise<number> {
  let sum = 0;
  let scored = 0;
  await force(timeline, ids.subarray(at, at + window), Infinity, (index, logits) => {
    // Of the last token the text may not say what follows.
    const next = ids[at + index + 1];
    if (next === undefined) return;
    sum -= logProbability(logits, next);
    scored += 1;
  });
  return sum / scored;
}
