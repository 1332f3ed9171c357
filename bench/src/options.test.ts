import { describe, expect, it } from "vitest";
import { policyNames } from "@longtab/attention";
import { readOptions, sections } from "./options.ts";

describe("readOptions", () => {
  it("measures everything three times at two lengths, where a model would run by itself, unless told otherwise", () => {
    expect(readOptions([])).toEqual({
      model: undefined,
      json: undefined,
      from: undefined,
      picture: undefined,
      quick: false,
      help: false,
      runs: 3,
      contexts: [128, 1024],
      wllamaContexts: [128, 1024],
      backend: "auto",
      threads: undefined,
      clock: "wall",
      context: { policy: "auto", kv: undefined, headMap: undefined },
      policies: policyNames,
      lengths: [1024, 4096, 8192],
      read: 65_536,
      only: new Set(sections),
    });
  });

  it("reads every option", () => {
    const line =
      "--model m.gguf --runs 5 --only kernels,llama.cpp --json out.json --install-peers --contexts 4096,128,128 --wllama-contexts 128 --backend cpu";
    const memory =
      "--context duo --kv kv8 --head-map map.json --policies auto,dense --lengths 32768,1024 --threads 2 --clock processor --read 1000 --from in.json --picture out.svg";
    expect(readOptions(`${line} ${memory}`.split(" "))).toEqual({
      model: "m.gguf",
      runs: 5,
      only: new Set(["kernels", "llama.cpp"]),
      json: "out.json",
      contexts: [128, 4096],
      wllamaContexts: [128],
      backend: "cpu",
      threads: 2,
      clock: "processor",
      context: { policy: "duo", kv: "kv8", headMap: "map.json" },
      policies: ["dense", "auto"],
      lengths: [1024, 32768],
      read: 1000,
      from: "in.json",
      picture: "out.svg",
      quick: false,
      help: false,
    });
  });

  it("makes one round of a quick look at the short context, unless more is asked for", () => {
    expect(readOptions(["--quick"])).toMatchObject({ runs: 1, contexts: [128], wllamaContexts: [128], lengths: [256, 1024] });
    expect(readOptions(["--quick", "--runs", "3", "--contexts", "64,256"])).toMatchObject({ runs: 3, contexts: [64, 256] });
  });

  it.each(["0", "-1", "2.5", "many", "", "101"])("refuses --runs %s", (runs) => {
    expect(() => readOptions([`--runs=${runs}`])).toThrow(`--runs takes a whole number from 1 to 100, not "${runs}".`);
  });

  it.each(["127", "65537", "x"])("refuses --read %s", (read) => {
    expect(() => readOptions([`--read=${read}`])).toThrow(`--read takes a whole number from 128 to 65536, not "${read}".`);
  });

  it.each(["0", "15", "4097", "128;1024", "", "128,"])("refuses --contexts %s", (contexts) => {
    const limits = "takes whole numbers from 16 to 4096 with commas between them";
    expect(() => readOptions([`--contexts=${contexts}`])).toThrow(`--contexts ${limits}, not "${contexts}".`);
    expect(() => readOptions([`--wllama-contexts=${contexts}`])).toThrow(`--wllama-contexts ${limits}, not "${contexts}".`);
  });

  it("names the sections when one is unknown", () => {
    expect(() => readOptions(["--only", "kernels,gpu"])).toThrow(
      'There is no section "gpu"; there are kernels, engine, llama.cpp, context, session, cpu, browser, wllama.',
    );
  });

  it.each(["127", "65537", "1024;8192", ""])("refuses --lengths %s", (lengths) => {
    const limits = "takes whole numbers from 128 to 65536 with commas between them";
    expect(() => readOptions([`--lengths=${lengths}`])).toThrow(`--lengths ${limits}, not "${lengths}".`);
  });

  it("names the policies and the precisions when one is unknown", () => {
    const policies = "there are dense, streaming, duo, quest, duo+quest, far, auto.";
    expect(() => readOptions(["--policies", "dense,all"])).toThrow(`There is no context policy "all"; ${policies}`);
    expect(() => readOptions(["--context", "most"])).toThrow(`There is no context policy "most"; ${policies}`);
    expect(() => readOptions(["--kv", "kv2"])).toThrow(
      'There is no precision of keys and values "kv2"; there are f16, kv8, k8v4, kv4, mixed.',
    );
  });

  it("names the backends when one is unknown", () => {
    expect(() => readOptions(["--backend", "gpu"])).toThrow('There is no backend "gpu"; there are auto, cpu, webgpu.');
  });

  it("refuses options that it does not know", () => {
    expect(() => readOptions(["--fast"])).toThrow("--fast");
  });
});
