import { force, logProbability } from "@longtab/calibration";
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
    const timeline = backend.createTimeline(stage.policy(cell.context));
    const values: Record<"nll" | "pages", number[]> = { nll: [], pages: [] };
    let sum = 0;
    try {
      for (let at = 0; at + window <= ids.length; at += window) {
        // Of the last token of a window the text may not say what follows.
        await force(timeline, ids.subarray(at, at + window), Infinity, (index, logits) => {
          const next = ids[at + index + 1];
          if (next !== undefined) sum -= logProbability(logits, next);
        });
        const scored = at + window < ids.length ? window : window - 1;
        values.nll.push(sum / scored);
        const { sink, recent, kept, far, quantised } = timeline.pages();
        values.pages.push(sink + recent + kept + far + quantised);
        process.stderr.write(`  ${cell.cell}: ${at + window} of ${ids.length} tokens, ${(sum / scored).toFixed(3)} nats\n`);
        sum = 0;
      }
    } finally {
      timeline.dispose();
    }
    await parts.add({ suite: cell.suite, cell: cell.cell, scene, values, seconds: (performance.now() - started) / 1000 });
  }
}
