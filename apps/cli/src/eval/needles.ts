import type { Policy } from "@longtab/attention";
import { ask, evenDepths, makePasskeys, read } from "@longtab/calibration";
import type { Needle, PasskeyDocument, Reply } from "@longtab/calibration";
import type { Timeline } from "@longtab/engine";
import type { NeedleCell } from "./cells.ts";
import type { Parts } from "./parts.ts";
import { takeTokens } from "./scenes.ts";
import type { Stage } from "./stage.ts";
import type { BookText } from "./texts.ts";

/** Cells that are asked about the same documents. */
type Group = [NeedleCell, ...NeedleCell[]];

/** Questions about documents, each of which is read once for every load and asked from forks of the timeline that read it. */
export async function measureNeedles(stage: Stage, parts: Parts, cells: readonly NeedleCell[], texts: readonly BookText[]): Promise<void> {
  for (const group of groups(cells)) {
    const [{ at, needles, documents, count }] = group;
    for (let index = 0; index < documents; index++) {
      const scene = `document ${index}`;
      const pending = group.filter((cell) => !parts.has({ ...cell, scene }));
      if (pending.length === 0) continue;
      const text = texts[index % texts.length] as BookText;
      const filler = takeTokens(stage.tokenizer, text, Math.floor((text.text.length * (index + 1)) / (documents + 2)), at);
      const document = makePasskeys(stage.tokenizer, {
        kind: needles,
        tokens: at,
        depths: depthsOf(index, documents, count),
        seed: at + index,
        filler,
      });
      for (const sharing of byReader(stage, pending)) await askAll(stage, parts, sharing, document, scene);
    }
  }
}

/** Where a document hides its numbers: those of all documents together lie at even depths. */
function depthsOf(index: number, documents: number, count: number): number[] {
  return evenDepths(documents * count).filter((_, place) => place % documents === index);
}

/** @param cells those that share what reads the document. */
async function askAll(stage: Stage, parts: Parts, cells: Group, document: PasskeyDocument, scene: string): Promise<void> {
  const [first] = cells;
  const room = document.ids.length + answerRoom;
  const started = performance.now();
  const backend = await stage.backend(first.context, room);
  const reader = backend.createTimeline(stage.policy(first.readsPrompt ? first.context : { policy: "dense" }, room));
  const results = cells.map((cell) => ({ cell, values: { right: [] as number[], logprob: [] as number[] }, seconds: 0 }));
  try {
    await read(reader, document.ids);
    const readSeconds = (performance.now() - started) / 1000 / cells.length;
    for (const needle of document.needles) {
      for (const result of results) {
        const { cell, values } = result;
        const from = performance.now();
        const { right, logprob } = await askOne(reader, cell, stage.policy(cell.context, room), needle);
        values.right.push(Number(right));
        values.logprob.push(logprob);
        result.seconds += (performance.now() - from) / 1000;
      }
    }
    for (const { cell, values, seconds } of results)
      await parts.add({ suite: cell.suite, cell: cell.cell, scene, values, seconds: seconds + readSeconds });
  } finally {
    reader.dispose();
  }
}

/** What a policy answers to one question. Where it reads prompts it reads the question too; else the reader does, but for its last token, or nobody. */
async function askOne(reader: Timeline, cell: NeedleCell, policy: Policy, { question, answer }: Needle): Promise<Reply> {
  const asked = reader.fork(cell.readsPrompt ? policy : undefined);
  try {
    const reads = cell.question === "read" && question.length > 1;
    if (reads) await read(asked, question.subarray(0, -1));
    const fork = asked.fork(policy);
    try {
      return await ask(fork, { question: reads ? question.slice(-1) : question, answer }, 1);
    } finally {
      fork.dispose();
    }
  } finally {
    asked.dispose();
  }
}

/** Tokens that a question and its answer take at most. */
const answerRoom = 128;

function groups(cells: readonly NeedleCell[]): Group[] {
  return partition(cells, (a, b) => a.at === b.at && a.needles === b.needles && a.documents === b.documents && a.count === b.count);
}

/** Cells whose document can be read by the same timeline. */
function byReader(stage: Stage, cells: readonly NeedleCell[]): Group[] {
  const readerOf = ({ readsPrompt, context, cell }: NeedleCell): string => {
    if (!readsPrompt) return "dense";
    // What far memory reads of a document does not depend on its budget, but for the last rows.
    return context.policy === "far" ? "far" : `only ${cell}`;
  };
  return partition(cells, (a, b) => readerOf(a) === readerOf(b) && stage.sameLoad(a.context, b.context));
}

function partition<T>(values: readonly T[], together: (a: T, b: T) => boolean): [T, ...T[]][] {
  const sets: [T, ...T[]][] = [];
  for (const value of values) {
    const set = sets.find(([first]) => together(first, value));
    if (set) set.push(value);
    else sets.push([value]);
  }
  return sets;
}
