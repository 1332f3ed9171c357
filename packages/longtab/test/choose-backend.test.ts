import { LongtabError } from "@longtab/errors";
import { describe, expect, it, test } from "vitest";
import { adapterName, decideByAdapter, describeDecision, isSlower, looksSlow, threadsNote, whyNotGpu } from "../src/choose-backend.ts";
import type { FoundAdapter } from "../src/choose-backend.ts";
import { findWasmProblem } from "../src/wasm-support.ts";

const real: FoundAdapter = { software: false };
const software: FoundAdapter = { software: true };
const none = new LongtabError({ code: "webgpu-unavailable", what: "There is no adapter", remedy: "update the driver" });
const blocked = new LongtabError({ code: "wasm-blocked", what: "A policy forbids WebAssembly", remedy: "allow it" });
const open = (): undefined => undefined;
const closed = (): LongtabError => blocked;
const neverAsked = (): never => {
  throw new Error("the processor was looked at");
};

describe("where a model runs", () => {
  it("is the graphics card wherever there is a real one, and the processor is not even looked at", () => {
    expect(decideByAdapter("auto", real, neverAsked)).toEqual({ backend: "webgpu", why: "capable" });
  });

  it("is the processor where there is no adapter, or only one that a processor plays", () => {
    expect(decideByAdapter("auto", none, open)).toEqual({ backend: "cpu", why: "no-adapter" });
    expect(decideByAdapter("auto", software, open)).toEqual({ backend: "cpu", why: "software-adapter" });
  });

  it("is a software adapter where WebAssembly cannot be used: slow is better than not at all", () => {
    expect(decideByAdapter("auto", software, closed)).toEqual({ backend: "webgpu", why: "no-wasm" });
  });

  it("is nowhere where neither works, and the error says both reasons and both remedies", () => {
    expect(() => decideByAdapter("auto", none, closed)).toThrow(
      new LongtabError({
        code: "webgpu-unavailable",
        what: "There is no adapter; the processor cannot run the model either: A policy forbids WebAssembly",
        remedy: "update the driver; or allow it",
      }),
    );
  });

  it("is what was chosen, or an error", () => {
    expect(decideByAdapter("webgpu", real, neverAsked)).toEqual({ backend: "webgpu", why: "chosen" });
    expect(decideByAdapter("webgpu", software, neverAsked)).toEqual({ backend: "webgpu", why: "chosen" });
    expect(() => decideByAdapter("webgpu", none, neverAsked)).toThrow(none);
    expect(decideByAdapter("cpu", undefined, open)).toEqual({ backend: "cpu", why: "chosen" });
    expect(() => decideByAdapter("cpu", undefined, closed)).toThrow(blocked);
  });
});

describe("a graphics card that fails to load a model", () => {
  test.each([
    ["device-limit", "too-small"],
    ["out-of-memory", "no-memory"],
    ["shader-failed", "driver-refused"],
    ["self-test-failed", "wrong-results"],
    ["device-lost", undefined],
    ["file-malformed", undefined],
    ["aborted", undefined],
  ] as const)("with %s gives the reason %s", (code, why) => {
    expect(whyNotGpu(new LongtabError({ code, what: "It failed" }))).toBe(why);
  });
});

describe("a measured step", () => {
  it("is questioned only where it is longer than 8 ms and than a processor could take for the same bytes", () => {
    expect(looksSlow(0.007, 98e6)).toBe(false);
    expect(looksSlow(0.009, 98e6)).toBe(true);
    expect(looksSlow(0.03, 1e9)).toBe(false);
    expect(looksSlow(0.05, 1e9)).toBe(true);
  });

  it("loses only to a processor that is clearly faster", () => {
    expect(isSlower(0.1, 0.079)).toBe(true);
    expect(isSlower(0.1, 0.081)).toBe(false);
  });
});

describe("what people read", () => {
  test.each([
    [{ backend: "webgpu", why: "capable" }, real, "Runs on the graphics card."],
    [{ backend: "cpu", why: "chosen" }, undefined, "Runs on the processor, as chosen."],
    [{ backend: "webgpu", why: "chosen" }, software, "Runs on software that imitates a graphics card, as chosen."],
    [{ backend: "cpu", why: "no-adapter" }, undefined, "Runs on the processor: there is no usable graphics adapter here."],
    [{ backend: "cpu", why: "slower" }, undefined, "Runs on the processor: it is faster here than the graphics card."],
  ] as const)("is one plain line", (decision, adapter, line) => {
    expect(describeDecision(decision, adapter)).toEqual({ backend: decision.backend, backendReason: line });
  });

  it("names an adapter by what it says of itself", () => {
    const report = { vendor: "acme", architecture: "rocket", description: "" } as Parameters<typeof adapterName>[0];
    expect(adapterName(report)).toBe("acme rocket");
    expect(adapterName({ ...report, description: "Acme Rocket 9" })).toBe("Acme Rocket 9");
    expect(adapterName({ ...report, vendor: "", architecture: "" })).toBe("unknown adapter");
  });

  it("says how more threads are had, only where there are cores for them and isolation is what is missing", () => {
    expect(threadsNote(1, { cores: 8, isolated: false })).toContain("Cross-Origin-Embedder-Policy: require-corp");
    expect(threadsNote(1, { cores: 8, isolated: true })).toBeUndefined();
    expect(threadsNote(1, { cores: 1, isolated: false })).toBeUndefined();
    expect(threadsNote(2, { cores: 2, isolated: true })).toBeUndefined();
  });
});

describe("WebAssembly", () => {
  it("is found where it works", () => {
    expect(findWasmProblem()).toBeUndefined();
  });

  it("is missed where it is switched off, and where it has no SIMD", () => {
    // @ts-expect-error A browser in lockdown has no WebAssembly at all.
    expect(findWasmProblem(null)).toMatchObject({ code: "wasm-unavailable", what: "WebAssembly is switched off in this browser" });
    const old = { ...WebAssembly, validate: () => false, Module: WebAssembly.Module } as typeof WebAssembly;
    expect(findWasmProblem(old)).toMatchObject({ code: "wasm-unavailable", what: "This browser has no WebAssembly SIMD" });
  });

  it("is blocked where modules may not be made, and the remedy names the directive", () => {
    const refuse = function (): never {
      throw new WebAssembly.CompileError("Wasm code generation disallowed by embedder");
    };
    const strict = { validate: () => true, Module: refuse } as unknown as typeof WebAssembly;
    expect(findWasmProblem(strict)).toMatchObject({
      code: "wasm-blocked",
      message: "This page’s Content-Security-Policy forbids WebAssembly. Add 'wasm-unsafe-eval' to its script-src directive.",
    });
  });
});
