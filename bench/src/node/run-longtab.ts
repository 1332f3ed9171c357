import type { Sampling, Summary } from "@longtab/engine";
import { Session, defaultSampling, generate } from "@longtab/engine";
import type { AdapterReport } from "@longtab/gpu";
import type { Sample } from "../figures.ts";
import { decodeAt, prefillOf } from "../figures.ts";
import type { OpenedBackend } from "./open-backend.ts";
import { openBackend } from "./open-backend.ts";
import { PhaseTimes } from "../phase-times.ts";
import { processMemory } from "./process-memory.ts";
import type { RuntimeInput } from "./runtime-input.ts";

/** Greedy: nothing to draw, so that what is measured is the model. */
export const greedy: Sampling = { ...defaultSampling, temperature: 0, seed: 0 };

export interface LongtabRun {
  adapter: AdapterReport;
  samples: Sample[];
}

/** Loads the model and reads and continues each prompt, through the same loop as everyone's requests. */
export async function runLongtab({ model, prompts, decodeTokens, contextLength }: RuntimeInput): Promise<LongtabRun> {
  const phases = new PhaseTimes();
  const started = performance.now();
  const opened = await openBackend(model, contextLength, ({ phase }) => phases.enter(phase));
  const loaded = (performance.now() - started) / 1000;
  phases.end();
  const { backend } = opened;
  const samples: Sample[] = [
    { name: "load", unit: "s", value: loaded },
    { name: "  read and upload", unit: "s", value: phases.seconds("upload") },
    { name: "  shaders and a first step", unit: "s", value: phases.seconds("shaders") },
  ];
  for (const { tokens, ids } of prompts) {
    const { prefillSeconds, decodeSeconds, completionTokens } = await complete(opened, Uint32Array.from(ids), decodeTokens);
    samples.push({ name: prefillOf(tokens), unit: "tok/s", value: tokens / prefillSeconds });
    samples.push({ name: decodeAt(tokens), unit: "tok/s", value: (completionTokens - 1) / decodeSeconds });
  }
  const { weights, scratch, kv } = backend.memory();
  samples.push(
    { name: "dispatches", unit: "per token", value: backend.recorder.dispatches },
    { name: "GPU memory, weights", unit: "MB", value: weights / 1e6 },
    { name: "GPU memory, activations", unit: "MB", value: scratch / 1e6 },
    { name: "GPU memory, KV pages", unit: "MB", value: kv / 1e6 },
    { name: "peak memory of the process", unit: "MB", value: processMemory() / 1e6 },
  );
  const adapter = backend.gpu.report;
  backend.dispose();
  return { adapter, samples };
}

/** Answers one prompt in a session of its own, whose cache starts empty. */
async function complete({ backend, tokenizer }: OpenedBackend, prompt: Uint32Array, decodeTokens: number): Promise<Summary> {
  const session = new Session(backend);
  try {
    const pieces = generate(backend, session, tokenizer, prompt, { sampling: greedy, maxTokens: decodeTokens + 1 });
    for (;;) {
      const next = await pieces.next();
      if (next.done === true) return next.value;
    }
  } finally {
    session.dispose();
  }
}
