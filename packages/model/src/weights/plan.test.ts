import type { TensorInfo, TensorType } from "@longtab/formats";
import { tensorByteLength } from "@longtab/formats";
import { describe, expect, it } from "vitest";
import { planWeight } from "./plan.ts";

const limits = { maxBufferSize: 256 * 2 ** 20, maxStorageBufferBindingSize: 128 * 2 ** 20 };

function tensor(type: TensorType, rows: number, columns: number): TensorInfo {
  return {
    name: `${type} [${rows}, ${columns}]`,
    type,
    shape: [rows, columns],
    offset: 0,
    byteLength: tensorByteLength(type, [rows, columns]),
  };
}

describe("planWeight", () => {
  it("takes five bits a weight for Q4_1 and nine for Q8_0", () => {
    const [q4] = planWeight([tensor("Q4_1", 960, 576)], limits).shards;
    expect(q4).toEqual({ format: "nibbles_block", firstRow: 0, rows: 960, quantBytes: (960 * 576) / 2, scaleBytes: (960 * 576) / 8 });
    const [q8] = planWeight([tensor("Q8_0", 64, 576)], limits).shards;
    expect(q8).toMatchObject({ format: "bytes_block", quantBytes: 64 * 576, scaleBytes: (64 * 576) / 8 });
  });

  it("keeps neighbours of one format together and starts a shard where it changes", () => {
    const plan = planWeight([tensor("Q4_K", 576, 768), tensor("Q4_K", 192, 768), tensor("Q6_K", 192, 768)], limits);
    expect(plan).toMatchObject({ rows: 960, columns: 768 });
    expect(plan.shards.map(({ format, firstRow, rows }) => [format, firstRow, rows])).toEqual([
      ["nibbles_group32", 0, 768],
      ["bytes_group16", 768, 192],
    ]);
  });

  it("splits a table that one binding cannot hold at a multiple of 64 rows", () => {
    const plan = planWeight([tensor("Q8_0", 151936, 1024)], limits);
    expect(plan.shards.map(({ firstRow, rows }) => [firstRow, rows])).toEqual([
      [0, 131072],
      [131072, 20864],
    ]);
    for (const { quantBytes, scaleBytes } of plan.shards)
      expect(Math.max(quantBytes, scaleBytes)).toBeLessThanOrEqual(limits.maxStorageBufferBindingSize);
  });

  it("rounds the rows of scales up to a quad", () => {
    expect(planWeight([tensor("Q4_0", 5, 32)], limits).shards[0]).toMatchObject({ rows: 5, quantBytes: 5 * 16, scaleBytes: 8 * 4 });
  });

  it.each([
    ["columns that are no whole blocks", [tensor("F32", 4, 48)], "unsupported-type"],
    ["rows of different lengths", [tensor("F32", 4, 32), tensor("F32", 4, 64)], "file-malformed"],
    ["another format in the middle of a quad", [tensor("Q4_0", 6, 32), tensor("Q8_0", 4, 32)], "unsupported-type"],
  ])("refuses %s", (_, parts, code) => {
    expect(() => planWeight(parts, limits)).toThrow(expect.objectContaining({ code }));
  });

  it("refuses rows of which not 64 fit a binding", () => {
    const small = { ...limits, maxStorageBufferBindingSize: 64 * 576 - 1 };
    expect(() => planWeight([tensor("Q8_0", 64, 576)], small)).toThrow(expect.objectContaining({ code: "device-limit" }));
  });
});
