import { describe, expect, test } from "vitest";
import { describeModel, readEngineOptions, readOpener, readTheme } from "../src/options.ts";

const attributes =
  (values: Record<string, string>) =>
  (name: string): string | null =>
    values[name] ?? null;
const ANY = (): boolean => true;

describe("a page's attributes", () => {
  test("left out or empty are what most pages want", () => {
    const expected = { value: { model: "smollm2-135m-instruct", modelBase: undefined, context: "auto", backend: "auto" } };
    expect(readEngineOptions(attributes({}))).toEqual(expected);
    expect(readEngineOptions(attributes({ model: " ", context: "", backend: "" }))).toEqual(expected);
    expect(readTheme(attributes({}))).toEqual({ value: "auto" });
    expect(readOpener(attributes({}), ANY)).toEqual({ value: { kind: "none" } });
  });

  test("the catalogue's files are looked for where the attribute says, else where the script's host may have them", () => {
    const own = "https://cdn.example/models/";
    expect(readEngineOptions(attributes({}), own).value.modelBase).toBe(own);
    expect(readEngineOptions(attributes({ "model-base": "https://files.example/" }), own).value.modelBase).toBe("https://files.example/");
  });

  test.each([
    ["context", "huge", "use one of auto, dense, streaming, duo, quest, duo+quest, far"],
    ["backend", "npu", "use one of auto, webgpu, cpu"],
    ["model-base", "javascript:alert(1)", "write the address of the folder that has the model files"],
  ])("%s=%j is a typed error with a remedy", (name, value, remedy) => {
    expect(readEngineOptions(attributes({ [name]: value })).problem).toMatchObject({ code: "invalid-option", value, remedy });
  });

  test("a theme or an opener that is none leaves the usual one in its place", () => {
    expect(readTheme(attributes({ theme: "pink" }))).toMatchObject({ value: "auto", problem: { code: "invalid-option", value: "pink" } });
    expect(readOpener(attributes({ opener: "<<" }), () => false)).toMatchObject({
      value: { kind: "none" },
      problem: { code: "invalid-option" },
    });
  });

  test("an opener is a bubble or a selector", () => {
    expect(readOpener(attributes({ opener: "bubble" }), ANY).value).toEqual({ kind: "bubble" });
    expect(readOpener(attributes({ opener: "#help" }), ANY).value).toEqual({ kind: "selector", selector: "#help" });
  });
});

describe("a model", () => {
  const model = (reference: string, modelBase?: string) => describeModel({ model: reference, modelBase, context: "auto", backend: "auto" });

  test("of the catalogue has a size, and is looked for on the page's own server first", () => {
    const { size, urls } = model("smollm2-135m-instruct", "https://own.example/models");
    expect(size).toBe(98_362_432);
    expect(urls[0]).toBe("https://own.example/models/SmolLM2-135M-Instruct.Q4_1.gguf");
  });

  test("of the hub or of an address has a name, and no size yet", () => {
    expect(model("hf:owner/repo/folder/tiny.gguf")).toMatchObject({ name: "tiny.gguf", size: undefined });
    expect(model("https://x.example/a/b.gguf?c")).toMatchObject({ name: "b.gguf", size: undefined });
  });

  test("that is none is refused with what there is", () => {
    expect(() => model("gpt-7")).toThrow(
      expect.objectContaining({ code: "invalid-option", remedy: expect.stringContaining("smollm2-135m-instruct") as string }),
    );
    expect(() => model("hf:owner")).toThrow(expect.objectContaining({ code: "invalid-option" }));
    expect(() => model("ftp://x.example/a.gguf")).toThrow(expect.objectContaining({ code: "invalid-option" }));
  });
});
