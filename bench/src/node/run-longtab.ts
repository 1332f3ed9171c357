import type { CpuBackend } from "@longtab/cpu";
import type { Sampling, Summary, WebGpuBackend } from "@longtab/engine";
import { Session, defaultSampling, generate } from "@longtab/engine";
import { describeAdapter } from "../describe-adapter.ts";
import type { Sample } from "../figures.ts";
import { decodeAt, prefillOf } from "../figures.ts";
import { PhaseTimes } from "../phase-times.ts";
import type { Opened, Place } from "./open-backend.ts";
import { openBackend } from "./open-backend.ts";
import { processMemory } from "./process-memory.ts";
import type { RuntimeInput } from "./runtime-input.ts";

/** Greedy: nothing to draw, so that what is measured is the model. */
export const greedy: Sampling = { ...defaultSampling, temperature: 0, seed: 0 };

export interface LongtabRun {
  /** What it ran on, for people. */
  where: string;
  samples: Sample[];
}

/** Loads the model and reads and continues each prompt, through the same loop as everyone's requests. Without drafts: each token is a step. */
export async function runLongtab({
  model,
  prompts,
  decodeTokens,
  contextLength,
  context,
  threads,
  place,
}: RuntimeInput & { place: Place }): Promise<LongtabRun> {
  const phases = new PhaseTimes();
  const started = performance.now();
  const opened = await openBackend(model, place, { contextLength, context, threads, onProgress: ({ phase }) => phases.enter(phase) });
  const loaded = (performance.now() - started) / 1000;
  phases.end();
  const { backend } = opened;
  const samples: Sample[] = [
    { name: "load", unit: "s", value: loaded },
    { name: "  read, check and upload", unit: "s", value: phases.seconds("upload") },
  ];
  if (backend.kind === "webgpu") samples.push({ name: "  shaders and a first step", unit: "s", value: phases.seconds("shaders") });
  else backend.drafts = false;
  for (const { tokens, ids } of prompts) {
    const { prefillSeconds, decodeSeconds, completionTokens } = await complete(opened, Uint32Array.from(ids), decodeTokens);
    samples.push({ name: prefillOf(tokens), unit: "tok/s", value: tokens / prefillSeconds });
    samples.push({ name: decodeAt(tokens), unit: "tok/s", value: (completionTokens - 1) / decodeSeconds });
  }
  const { weights, scratch, kv } = backend.memory();
  if (backend.kind === "webgpu") samples.push({ name: "dispatches", unit: "per token", value: backend.recorder.dispatches });
  samples.push(
    { name: "memory, weights", unit: "MB", value: weights / 1e6 },
    { name: "memory, activations", unit: "MB", value: scratch / 1e6 },
    { name: "memory, KV pages", unit: "MB", value: kv / 1e6 },
    { name: "peak memory of the process", unit: "MB", value: processMemory() / 1e6 },
  );
  const where = describePlace(backend);
  backend.dispose();
  return { where, samples };
}

/** For people. */
export function describePlace(backend: WebGpuBackend | CpuBackend): string {
  if (backend.kind === "webgpu") return describeAdapter(backend.gpu.report);
  const { threads, simd, prefillEngine, prefillReason } = backend;
  return `${threads} ${threads === 1 ? "thread" : "threads"}, ${simd} SIMD; prompts are read by ${prefillEngine}: ${prefillReason}`;
}

/** Answers one prompt in a session of its own, whose cache starts empty. */
async function complete(
  { backend, tokenizer }: Opened<WebGpuBackend | CpuBackend>,
  prompt: Uint32Array,
  decodeTokens: number,
): Promise<Summary> {
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
