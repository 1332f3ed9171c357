export interface PrefillFacts {
  placeholder?: never;
}
export interface PrefillChoice {
  engine: "own" | "onnxruntime";
  reason: string;
}
export function choosePrefill(_facts: PrefillFacts): PrefillChoice {
  return { engine: "own", reason: "" };
}
