import { describe, expect, it } from "vitest";
import { readOptions, sections } from "./options.ts";

describe("readOptions", () => {
  it("measures everything three times unless told otherwise", () => {
    expect(readOptions([])).toEqual({ model: undefined, json: undefined, quick: false, help: false, runs: 3, only: new Set(sections) });
  });

  it("reads every option", () => {
    const options = readOptions([
      "--model",
      "m.gguf",
      "--runs",
      "5",
      "--only",
      "kernels, llama.cpp",
      "--json",
      "out.json",
      "--install-peers",
    ]);
    expect(options).toEqual({
      model: "m.gguf",
      runs: 5,
      only: new Set(["kernels", "llama.cpp"]),
      json: "out.json",
      quick: false,
      help: false,
    });
  });

  it("makes one round of a quick look, unless rounds are asked for", () => {
    expect(readOptions(["--quick"]).runs).toBe(1);
    expect(readOptions(["--quick", "--runs", "3"]).runs).toBe(3);
  });

  it.each(["0", "-1", "2.5", "many", "", "101"])("refuses --runs %s", (runs) => {
    expect(() => readOptions([`--runs=${runs}`])).toThrow(`--runs takes a whole number from 1 to 100, not "${runs}".`);
  });

  it("names the sections when one is unknown", () => {
    expect(() => readOptions(["--only", "kernels,gpu"])).toThrow(
      'There is no section "gpu"; there are kernels, engine, llama.cpp, browser, wllama.',
    );
  });

  it("refuses options that it does not know", () => {
    expect(() => readOptions(["--fast"])).toThrow("--fast");
  });
});
