import type { RotarySpec } from "@longtab/attention";
import type { ModelConfig } from "./config.ts";

/** `factors`: the bytes of rope_freqs.weight, f32. */
export function rotaryOf({ headSize, ropeDimensions, ropeBase, ropeFactor }: ModelConfig, factors: Uint8Array | undefined): RotarySpec {
  return {
    headSize,
    rotaryDimensions: ropeDimensions,
    base: ropeBase,
    linearFactor: ropeFactor,
    frequencyFactors: factors && new Float32Array(factors.slice().buffer),
  };
}
