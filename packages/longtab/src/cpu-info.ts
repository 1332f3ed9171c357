import type { CpuBackend } from "@longtab/cpu";
import type { Backend } from "@longtab/engine";
import type { CpuInfo } from "./api.ts";
import { threadsNote } from "./choose-backend.ts";

const engines = { own: "Longtab’s own kernels", onnxruntime: "ONNX Runtime" } as const;

/** What the processor's backend says of itself; undefined for another backend. */
export function describeCpu(backend: Backend): CpuInfo | undefined {
  if (backend.kind !== "cpu") return undefined;
  const { threads, simd, prefillEngine, prefillReason } = backend as CpuBackend;
  // Node has neither: its threads always share memory.
  const { navigator, crossOriginIsolated: isolated = true } = globalThis as Partial<Pick<Window, "navigator" | "crossOriginIsolated">>;
  const note = threadsNote(threads, { cores: navigator?.hardwareConcurrency ?? 1, isolated });
  return {
    threads,
    ...(note !== undefined && { threadsNote: note }),
    simd,
    prefill: { engine: prefillEngine, reason: `Prompts are read by ${engines[prefillEngine]}: ${prefillReason}.` },
  };
}
