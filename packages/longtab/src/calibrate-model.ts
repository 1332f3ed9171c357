import { calibrate } from "@longtab/calibration";
import type { CalibrationProgress, HeadMap } from "./api.ts";
import { keepHeadMap } from "./head-maps.ts";
import type { LoadedEngine } from "./load-model.ts";

/** Measures the heads of a loaded model, which must keep everything, and keeps what came of it. */
export async function calibrateModel(
  { engine, info, fingerprint }: LoadedEngine,
  onProgress: (progress: CalibrationProgress) => void,
): Promise<HeadMap> {
  const { backend, tokenizer } = engine;
  const { layers, kvHeads } = backend.cacheForm;
  const map = await calibrate(backend, tokenizer, {
    model: info.name,
    shape: { layers, kvHeads },
    trained: info.trainedContextLength,
    onProgress,
  });
  await keepHeadMap(fingerprint, map);
  return map;
}
