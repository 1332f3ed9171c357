import type { ByteSource, TensorInfo } from "@longtab/formats";
import { BytesSource, tensorByteLength } from "@longtab/formats";
import { openDevice } from "@longtab/gpu";
import { testBackend } from "@longtab/gpu/testing";
import { describe, expect, it } from "vitest";
import { uploadVector, uploadWeight } from "./weight.ts";

const table: TensorInfo = {
  name: "table",
  type: "Q8_0",
  shape: [20000, 576],
  offset: 0,
  byteLength: tensorByteLength("Q8_0", [20000, 576]),
};

function recordingSource(size: number, fail = Infinity): { source: ByteSource; reads: { offset: number; length: number }[] } {
  const reads: { offset: number; length: number }[] = [];
  const read = (offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
    reads.push({ offset, length });
    return reads.length > fail ? Promise.reject(new Error("the source broke")) : Promise.resolve(new Uint8Array(length));
  };
  return { source: { size, read }, reads };
}

describe("uploadWeight", () => {
  it("reads the file in order, in pieces of 4 MiB at most, and reports every byte", async () => {
    const gpu = await openDevice({ gpu: testBackend("null") });
    const { source, reads } = recordingSource(table.byteLength);
    let reported = 0;
    const weight = await uploadWeight(gpu, source, [table], (bytes) => (reported += bytes));
    let next = 0;
    for (const { offset, length } of reads) {
      expect(offset).toBe(next);
      expect(length).toBeLessThanOrEqual(4 * 2 ** 20);
      next += length;
    }
    expect(next).toBe(table.byteLength);
    expect(reported).toBe(table.byteLength);
    expect(gpu.allocatedBytes).toBe(weight.bytes);
    gpu.dispose();
  });

  it("leaves nothing allocated when the source fails on the way", async () => {
    const gpu = await openDevice({ gpu: testBackend("null") });
    const { source } = recordingSource(table.byteLength, 2);
    await expect(uploadWeight(gpu, source, [table])).rejects.toThrow("the source broke");
    expect(gpu.allocatedBytes).toBe(0);
    gpu.dispose();
  });
});

describe("uploadVector", () => {
  it("refuses a type other than F32", async () => {
    const gpu = await openDevice({ gpu: testBackend("null") });
    const norm: TensorInfo = { name: "norm", type: "F16", shape: [32], offset: 0, byteLength: 64 };
    await expect(uploadVector(gpu, new BytesSource(new Uint8Array(64)), norm)).rejects.toMatchObject({ code: "unsupported-type" });
    expect(gpu.allocatedBytes).toBe(0);
    gpu.dispose();
  });
});
