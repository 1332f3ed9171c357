import { expect, it } from "vitest";
import { printNode } from "./print-node.ts";
import type { NodeFigures } from "./report.ts";

const entry = (name: string, value: number) => ({ name, measurements: [{ name: "decode", unit: "tok/s" as const, values: [value] }] });

const figures: NodeFigures = {
  own: ["Longtab, relaxed", "Longtab, plain"],
  where: { "Longtab, relaxed": "2 threads, relaxed SIMD" },
  entries: [entry("Longtab, relaxed", 60), { name: "Longtab, plain", measurements: [], failure: "no SIMD" }, entry("llama.cpp", 40)],
  profile: {
    state: "measured",
    steps: [
      {
        context: 128,
        clock: "processor",
        parts: [
          { name: "product: down", calls: 30, milliseconds: 3 },
          { name: "attention", calls: 30, milliseconds: 1 },
        ],
      },
    ],
  },
  drafts: {
    state: "measured",
    texts: [
      {
        simd: "relaxed",
        text: "a list",
        promptTokens: 200,
        decodedTokens: 64,
        without: 50,
        with: 125,
        foreseen: 0.8,
        tokensPerStep: 3.2,
        sameTokens: true,
      },
    ],
  },
};

it("compares each of Longtab's entries with the peers, then says where the time goes and what drafts do", () => {
  expect(printNode(figures)).toMatchInlineSnapshot(`
    "2 threads, relaxed SIMD

                   Longtab, relaxed  llama.cpp  Longtab is
    decode  tok/s              60.0       40.0       1.50x

    Longtab, plain not measured: no SIMD

    one token at context 128  calls    ms  share
    product: down                30  3.00  75.0%
    attention                    30  1.00  25.0%
    in sum                           4.00

    n-gram drafts          prompt  decoded  tok/s without  with  with is  foreseen  tokens a step  same tokens
    a list (relaxed SIMD)     200       64           50.0   125    2.50x       80%           3.20          yes"
  `);
});

it("says why there is no profile", () => {
  const text = printNode({ ...figures, entries: [], profile: { state: "skipped", reason: "no timestamps" } });
  expect(text).toContain("Where the time of a step goes: not measured: no timestamps");
});
