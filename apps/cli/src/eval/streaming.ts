import { force, logProbability, read } from "@longtab/calibration";
import type { Timeline } from "@longtab/engine";
import type { Parts } from "./parts.ts";
import type { StreamingCell } from "./cells.ts";
import { takeTokens } from "./scenes.ts";
import type { Stage } from "./stage.ts";
import type { BookText } from "./texts.ts";

/** Share of the text that comes before: the first chapters of famous books are known by heart, which no memory is needed for. */
const begin = 0.25;

/**
 * The loss of each window of one long text: the mean -ln p of its tokens, in nats. A policy that does not select sees of every
 * row what it sees in a step of its own, so rows are run as many at a time as can be scored.
 */
export async function measureStreaming(
  stage: Stage,
  parts: Parts,
  cells: readonly StreamingCell[],
  texts: readonly BookText[],
  window: number,
): Promise<void> {
  for (const cell of cells) {
    const text = texts.toSorted((a, b) => b.text.length - a.text.length)[0] as BookText;
    const scene = `${text.name} from ${begin * 100}%, ${cell.tokens} tokens`;
    if (parts.has({ ...cell, scene })) continue;
    const started = performance.now();
    const ids = takeTokens(stage.tokenizer, text, Math.floor(text.text.length * begin), cell.tokens);
    const backend = await stage.backend(cell.context);
    const start = (): Timeline => backend.createTimeline(stage.policy(cell.context));
    const values: Record<"nll" | "pages", number[]> = { nll: [], pages: [] };
    let timeline = start();
    try {
      for (let at = cell.anew === undefined ? 0 : stage.trained; at + window <= ids.length; at += window) {
        if (cell.anew !== undefined) {
          timeline.dispose();
          timeline = start();
          await read(timeline, ids.subarray(Math.max(0, at - cell.anew), at));
        }
        const nll = await scoreWindow(timeline, ids, at, window);
        values.nll.push(nll);
        const { sink, recent, kept, far, quantised } = timeline.pages();
        values.pages.push(sink + recent + kept + far + quantised);
        process.stderr.write(`  ${cell.cell}: ${at + window} of ${ids.length} tokens, ${nll.toFixed(3)} nats\n`);
      }
    } finally {
      timeline.dispose();
    }
    await parts.add({ suite: cell.suite, cell: cell.cell, scene, values, seconds: (performance.now() - started) / 1000 });
  }
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
