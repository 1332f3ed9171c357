import { ask, makeRecord, read } from "@longtab/calibration";
import type { RecordLine } from "@longtab/calibration";
import type { Timeline } from "@longtab/engine";
import type { RegisterCell } from "./cells.ts";
import type { Parts } from "./parts.ts";
import type { Stage } from "./stage.ts";

/** Lines between two questions. */
const everyLines = 10;

/**
 * StreamEval: a record of lines with a number each; every ten lines the number of the line so many lines back is asked for, from a fork, so that
 * questions do not come between the lines.
 */
export async function measureRegisters(stage: Stage, parts: Parts, cells: readonly RegisterCell[], lines: number): Promise<void> {
  const scene = `${lines} lines`;
  const policies = new Map<string, RegisterCell[]>();
  for (const cell of cells.filter((entry) => !parts.has({ ...entry, scene }))) {
    const name = JSON.stringify(cell.context);
    policies.set(name, [...(policies.get(name) ?? []), cell]);
  }
  const record = makeRecord(stage.tokenizer, lines, 1);
  for (const sharing of policies.values()) {
    const { context } = sharing[0] as RegisterCell;
    const started = performance.now();
    const timeline = (await stage.backend(context)).createTimeline(stage.policy(context));
    const rights = sharing.map((cell) => ({ cell, right: [] as number[] }));
    try {
      for (const [index, { ids }] of record.entries()) {
        if (timeline.length + ids.length + questionRoom > stage.trained) break;
        await read(timeline, ids);
        if ((index + 1) % everyLines !== 0) continue;
        for (const { cell, right } of rights) {
          const line = record[index - cell.back];
          if (line) right.push(Number(await askLine(timeline, line)));
        }
      }
    } finally {
      timeline.dispose();
    }
    const seconds = (performance.now() - started) / 1000 / sharing.length;
    for (const { cell, right } of rights) await parts.add({ suite: cell.suite, cell: cell.cell, scene, values: { right }, seconds });
  }
}

/** Tokens that a question and its answer take at most. */
const questionRoom = 64;

async function askLine(timeline: Timeline, line: RecordLine): Promise<boolean> {
  const fork = timeline.fork();
  try {
    return (await ask(fork, line, Infinity)).right;
  } finally {
    fork.dispose();
  }
}
