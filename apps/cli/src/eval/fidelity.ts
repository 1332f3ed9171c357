import { compareLogits, force, logProbability, read } from "@longtab/calibration";
import type { Timeline } from "@longtab/engine";
import type { FidelityCell } from "./cells.ts";
import type { Parts } from "./parts.ts";
import type { Scene } from "./scenes.ts";
import type { Stage } from "./stage.ts";

/**
 * What policies make of the tokens that follow a place in a book, token by token, against the dense model at full precision. A place is read once,
 * from shorter to longer contexts; timelines fork off for every policy.
 */
export async function measureFidelity(
  stage: Stage,
  parts: Parts,
  cells: readonly FidelityCell[],
  scenes: readonly Scene[],
  tokens: number,
): Promise<void> {
  for (const scene of scenes) {
    const pending = cells.filter((cell) => !parts.has({ ...cell, scene: scene.name }));
    if (pending.length === 0) continue;
    const readers = new Readers(stage, scene.ids);
    try {
      for (const at of [...new Set(pending.map((cell) => cell.at))].toSorted((a, b) => a - b)) {
        const next = scene.ids.subarray(at, at + tokens);
        const reference = await forced(await readers.fork({}, at), next);
        for (const cell of pending.filter((entry) => entry.at === at)) {
          const started = performance.now();
          const timeline = await (cell.readsPrompt ? readers.alone(cell, at) : readers.fork(cell.context, at));
          const values = await compare(timeline, scene.ids.subarray(at, at + tokens + 1), reference);
          await parts.add({ suite: cell.suite, cell: cell.cell, scene: scene.name, values, seconds: (performance.now() - started) / 1000 });
        }
      }
    } finally {
      readers.dispose();
    }
  }
}

/** Logits after each of the ids; the timeline is done for then. */
async function forced(timeline: Timeline, ids: Uint32Array): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  try {
    await force(timeline, ids, 1, (_, logits) => void rows.push(logits.slice()));
  } finally {
    timeline.dispose();
  }
  return rows;
}

/** @param ids the tokens forced, and the one that follows them. */
async function compare(timeline: Timeline, ids: Uint32Array, reference: readonly Float32Array[]): Promise<Record<string, number[]>> {
  const values: Record<"kl" | "top1" | "nll" | "dense nll", number[]> = { kl: [], top1: [], nll: [], "dense nll": [] };
  try {
    await force(timeline, ids.subarray(0, -1), 1, (index, logits) => {
      const expected = reference[index];
      if (!expected) return;
      const { kl, same } = compareLogits(expected, logits);
      const id = ids[index + 1] ?? 0;
      values.kl.push(kl);
      values.top1.push(Number(same));
      values.nll.push(-logProbability(logits, id));
      values["dense nll"].push(-logProbability(expected, id));
    });
  } finally {
    timeline.dispose();
  }
  return values;
}

/** Dense timelines of one scene, one for each load; they only grow. */
class Readers {
  readonly #stage: Stage;
  readonly #ids: Uint32Array;
  readonly #timelines: { context: FidelityCell["context"]; timeline: Timeline }[] = [];

  constructor(stage: Stage, ids: Uint32Array) {
    this.#stage = stage;
    this.#ids = ids;
  }

  /** A timeline of a policy that holds the first `at` tokens, read densely. */
  async fork(context: FidelityCell["context"], at: number): Promise<Timeline> {
    let reader = this.#timelines.find((entry) => this.#stage.sameLoad(entry.context, context));
    if (!reader) {
      const backend = await this.#stage.backend(context);
      reader = { context, timeline: backend.createTimeline(this.#stage.policy({ policy: "dense" })) };
      this.#timelines.push(reader);
    }
    const { timeline } = reader;
    if (timeline.length < at) await read(timeline, this.#ids.subarray(timeline.length, at));
    return timeline.fork(this.#stage.policy({ policy: "dense", ...context }));
  }

  /** A timeline that read the tokens under its own policy. */
  async alone({ context }: FidelityCell, at: number): Promise<Timeline> {
    const timeline = (await this.#stage.backend(context)).createTimeline(this.#stage.policy(context));
    await read(timeline, this.#ids.subarray(0, at));
    return timeline;
  }

  dispose(): void {
    for (const { timeline } of this.#timelines) timeline.dispose();
  }
}
