import { expect, it } from "vitest";
import { exampleFigures } from "./context/example.ts";
import { printContext } from "./print-context.ts";

it("gives times with their growth, memory, the share of choosing, and what reading and copies cost", () => {
  expect(printContext(exampleFigures)).toMatchInlineSnapshot(`
    "2 threads, relaxed SIMD; prompts are read by own; keys and values in kv8; 33% of the heads stream

    ms per token  1024  8192  32768  8192 / 1024  32768 / 8192       of dense
    dense         30.0  60.0      -        2.00x             -  1.00x at 8192
    streaming     30.0  33.0   33.0        1.10x         1.00x  0.55x at 8192
    auto          30.0  33.0   37.5        1.10x         1.14x  0.55x at 8192

    KV MB (of dense f16)        1024        8192      32768
    dense                 14.0 (59%)   113 (60%)          -
    streaming             14.0 (59%)  28.0 (15%)  28.0 (4%)
    auto                  13.0 (55%)  78.0 (41%)  310 (41%)

    choosing what to read  1024  8192  32768
    dense                    0%    0%      -
    streaming                0%    0%     0%
    auto                    10%   10%    10%

    reading                 s  tok/s
    tokens 0 to 1000     10.0    100
    tokens 1000 to 8000   100   70.0
    Behind 8000 tokens their keys and values were repeated.

    A fork at 1000 tokens takes 3.00 ms and 0 pages; its first step takes 90 pages, for 90 heads.

    A session of 8000 tokens is 113 MB. To write it takes 0.5 s, to restore it 1.20 s: 0.45 and 1.15 s beyond a copy of the bytes."
  `);
});

it("says what there was no head map for, and why a part was not measured", () => {
  const { streaming: _, ...figures } = exampleFigures;
  const text = printContext({ ...figures, fork: { state: "skipped", reason: "no page left" } });
  expect(text).toContain("no head map: all heads retrieve");
  expect(text).toContain("A fork: not measured: no page left");
});
