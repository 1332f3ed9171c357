import { LongtabError } from "@longtab/errors";
import type { AdapterReport } from "@longtab/gpu";
import type { BackendChoice, BackendKind } from "./api.ts";

/**
 * Where a model runs, decided from what is known so far. Nothing here touches a device: load-model.ts and longtab.ts look and measure.
 */
export interface Decision {
  backend: BackendKind;
  why: Why;
}

export type Why =
  /** The request named this backend. */
  | "chosen"
  /** A graphics card that does everything. */
  | "capable"
  | "no-adapter"
  | "software-adapter"
  /** A software adapter all the same, because the processor's own path is closed. */
  | "no-wasm"
  | "wrong-results"
  | "driver-refused"
  | "too-small"
  | "no-memory"
  | "slower";

/** What looking for a graphics adapter found: one, or the error that says why there is none. */
export type FoundAdapter = { software: boolean } | LongtabError;

/**
 * Decides from the adapter. `wasmProblem` is asked only where the processor comes into question: looking costs a line in the console where a
 * policy forbids it.
 * @throws LongtabError where the chosen backend, or neither, can be had.
 */
export function decideByAdapter(
  choice: BackendChoice,
  adapter: FoundAdapter | undefined,
  wasmProblem: () => LongtabError | undefined,
): Decision {
  if (choice === "cpu" || adapter === undefined) {
    const problem = wasmProblem();
    if (problem) throw problem;
    return { backend: "cpu", why: "chosen" };
  }
  if (adapter instanceof LongtabError) {
    if (choice === "webgpu") throw adapter;
    const problem = wasmProblem();
    if (problem) throw neither(adapter, problem);
    return { backend: "cpu", why: "no-adapter" };
  }
  if (choice === "webgpu") return { backend: "webgpu", why: "chosen" };
  if (!adapter.software) return { backend: "webgpu", why: "capable" };
  return wasmProblem() ? { backend: "webgpu", why: "no-wasm" } : { backend: "cpu", why: "software-adapter" };
}

/** Why a graphics card that failed to load a model leaves it to the processor; undefined where the processor would not help. */
export function whyNotGpu({ code }: LongtabError): Why | undefined {
  switch (code) {
    case "device-limit":
      return "too-small";
    case "out-of-memory":
      return "no-memory";
    case "shader-failed":
      return "driver-refused";
    case "self-test-failed":
      return "wrong-results";
    default:
      return undefined;
  }
}

/** A step this short is faster than anybody reads: what is slower elsewhere or faster does not matter. */
const unquestionedSeconds = 0.008;
/** Bytes a second that a processor can hardly read with: a graphics card that does need not be compared. */
const processorBandwidth = 25e9;

/** True where the graphics card's decode step, for the bytes of weights that it reads, is slow enough that the processor may beat it. */
export function looksSlow(stepSeconds: number, weightBytes: number): boolean {
  return stepSeconds > Math.max(unquestionedSeconds, weightBytes / processorBandwidth);
}

/** A graphics card reads prompts many times faster, so the processor must write clearly faster. */
const worthLeaving = 0.8;

export function isSlower(gpuStepSeconds: number, cpuStepSeconds: number): boolean {
  return cpuStepSeconds < gpuStepSeconds * worthLeaving;
}

const becauses: Record<Exclude<Why, "chosen" | "capable">, string> = {
  "no-adapter": "there is no usable graphics adapter here",
  "software-adapter": "there is no graphics card here, only software that imitates one",
  "wrong-results": "the graphics card’s results were wrong",
  "driver-refused": "the graphics card’s driver refused a program",
  "too-small": "the model is too large for the graphics card",
  "no-memory": "the graphics card has too little free memory",
  "no-wasm": "there is no graphics card here, and this page cannot use WebAssembly",
  slower: "it is faster here than the graphics card",
};

/** A decision in the API's words; the line is for people. `adapter` is the one that was found, if any. */
export function describeDecision(
  { backend, why }: Decision,
  adapter?: { software: boolean },
): { backend: BackendKind; backendReason: string } {
  const gpu = adapter?.software ? "software that imitates a graphics card" : "the graphics card";
  const place = backend === "cpu" ? "the processor" : gpu;
  if (why === "chosen") return { backend, backendReason: `Runs on ${place}, as chosen.` };
  if (why === "capable") return { backend, backendReason: `Runs on ${place}.` };
  return { backend, backendReason: `Runs on ${place}: ${becauses[why]}.` };
}

/** What an adapter calls itself. */
export function adapterName({ vendor, architecture, description }: AdapterReport): string {
  return description || [vendor, architecture].filter(Boolean).join(" ") || "unknown adapter";
}

/** Where one thread computes although there are more cores: the way to more. */
export function threadsNote(threads: number, { cores, isolated }: { cores: number; isolated: boolean }): string | undefined {
  if (threads > 1 || cores < 2 || isolated) return undefined;
  return (
    "One thread computes, because this page is not cross-origin isolated: with Cross-Origin-Opener-Policy: same-origin and " +
    "Cross-Origin-Embedder-Policy: require-corp from its server more could"
  );
}

function neither(gpu: LongtabError, wasm: LongtabError): LongtabError {
  return new LongtabError({
    code: gpu.code,
    what: `${gpu.what}; the processor cannot run the model either: ${wasm.what}`,
    ...(gpu.remedy !== undefined && { remedy: [gpu.remedy, wasm.remedy].filter(Boolean).join("; or ") }),
    cause: wasm,
  });
}
