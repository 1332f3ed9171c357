import { isLongtabError } from "@longtab/errors";
import { BytesSource, parseGguf } from "@longtab/formats";
import type { ModelFile } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { openTestGpu } from "@longtab/gpu/testing";
import { describe, expect, test } from "vitest";
import { loadWebGpuBackend } from "../src/index.ts";
import type { LoadBackendOptions, LoadProgress, WebGpuBackend } from "../src/index.ts";
import { BorrowedGpu } from "./borrowed-gpu.ts";

const bytes = tinyModel();

interface Loading {
  gpu: BorrowedGpu;
  result: Promise<WebGpuBackend>;
}

/** Starts loading the tiny model, its header or its bytes changed, on a device that shows afterwards what is still allocated. */
async function load(
  options: LoadBackendOptions = {},
  change: (file: ModelFile) => ModelFile = (file) => file,
  content = bytes,
): Promise<Loading> {
  const gpu = new BorrowedGpu(await openTestGpu());
  const file = change(await parseGguf(new BytesSource(bytes)));
  return { gpu, result: loadWebGpuBackend(gpu, file, new BytesSource(content), options) };
}

/** Code and message of a load that must fail, with nothing left on the device. */
async function failure({ gpu, result }: Loading): Promise<string> {
  try {
    await result;
  } catch (error) {
    if (!isLongtabError(error)) throw error;
    return `${error.code}: ${error.message}${gpu.allocatedBytes > 0 ? ` ${gpu.allocatedBytes} bytes are still allocated.` : ""}`;
  }
  throw new Error("the model loaded");
}

describe("loading a model", () => {
  test("reports the upload in bytes and then the shaders", async () => {
    const calls: LoadProgress[] = [];
    const { gpu, result } = await load({ onProgress: (progress) => calls.push(progress) });
    const backend = await result;
    const phases = calls.map(({ phase }) => phase);
    expect(phases.lastIndexOf("upload")).toBeLessThan(phases.indexOf("shaders"));
    for (const phase of ["upload", "shaders"] as const) {
      const own = calls.filter((call) => call.phase === phase);
      expect(own.every(({ loaded }, index) => index === 0 || loaded >= (own[index - 1]?.loaded ?? NaN))).toBe(true);
      expect(own.at(-1)?.loaded).toBe(own.at(-1)?.total);
    }
    expect(backend.memory().weights).toBe(backend.plan.memory.weights);
    expect(gpu.allocatedBytes).toBeGreaterThan(backend.memory().weights);
    backend.dispose();
  });

  test("fails where the file ends inside the weights", async () => {
    expect(await failure(await load({}, undefined, bytes.slice(0, bytes.length - 1000)))).toMatchInlineSnapshot(
      `"file-truncated: The file has no bytes 75328 to 76608 (found 75864 bytes). Download the file again."`,
    );
  });

  test("fails where the architecture is not supported", async () => {
    const other = (file: ModelFile): ModelFile => ({ ...file, metadata: new Map([...file.metadata, ["general.architecture", "gemma3"]]) });
    expect(await failure(await load({}, other))).toMatchInlineSnapshot(
      `"unsupported-architecture: This model's architecture is not supported (found gemma3, limit llama). Choose a model of the llama family."`,
    );
  });

  test("fails where the context is out of range", async () => {
    expect(await failure(await load({ contextLength: 257 }))).toMatchInlineSnapshot(
      `"invalid-option: The context length must be a whole number of tokens within the trained window (found 257, limit 256). Choose 1 to 256."`,
    );
    expect(await failure(await load({ contextLength: 0 }))).toMatchInlineSnapshot(
      `"invalid-option: The context length must be a whole number of tokens within the trained window (found 0, limit 256). Choose 1 to 256."`,
    );
  });

  test("fails where the adapter is too small", async () => {
    const gpu = new BorrowedGpu(await openTestGpu());
    const small = Object.assign(gpu, { report: { ...gpu.report, limits: { ...gpu.report.limits, maxStorageBufferBindingSize: 1024 } } });
    const source = new BytesSource(bytes);
    expect(await failure({ gpu, result: loadWebGpuBackend(small, await parseGguf(source), source) })).toMatchInlineSnapshot(
      `"device-limit: 64 rows of token_embd.weight do not fit one buffer of this GPU (found 4096, limit 1024). Choose a smaller model."`,
    );
  });

  test.each(["upload", "shaders"] as const)("can be aborted in the phase %s", async (phase) => {
    const controller = new AbortController();
    const loading = await load({
      signal: controller.signal,
      onProgress: (progress) => void (progress.phase === phase && progress.loaded > 0 && controller.abort()),
    });
    expect(await failure(loading)).toBe("aborted: The request was aborted.");
  });
});
