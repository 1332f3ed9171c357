import type { PagePool } from "@longtab/attention";
import type { Timeline } from "@longtab/engine";
import type { ForkFigures } from "../context/figures.ts";
import { greedy } from "./run-longtab.ts";

/** What a fork of `timeline` takes, and what its first step does; its pages are in `pool`. */
export async function measureFork(pool: PagePool, timeline: Timeline): Promise<ForkFigures> {
  const { layers, kvHeads } = pool.shape;
  const allocate = pool.allocate.bind(pool);
  let pages = 0;
  pool.allocate = (layer, form) => {
    pages++;
    return allocate(layer, form);
  };
  try {
    const started = performance.now();
    const fork = timeline.fork();
    const milliseconds = performance.now() - started;
    const taken = pages;
    await fork.decode(greedy);
    fork.dispose();
    return { tokens: timeline.length, milliseconds, pages: taken, firstStepPages: pages - taken, heads: layers * kvHeads };
  } finally {
    pool.allocate = allocate;
  }
}
