import { describe, expect, it } from "vitest";
import { catalogue } from "../src/catalogue.ts";
import { weightsRequest } from "../src/weights-request.ts";

const [entry] = catalogue;
if (entry === undefined) throw new Error("The catalogue is empty");

describe("weightsRequest", () => {
  it("knows the checksum and the size of a catalogue's model", () => {
    const { id, name, url, sha256, size } = entry;
    expect(weightsRequest(id, undefined)).toEqual({ id, name, urls: [url], sha256, size });
  });

  it.each(["https://page.example/models", "https://page.example/models/"])("tries the page's own copy under %s before the hub", (base) => {
    expect(weightsRequest(entry.id, base).urls).toEqual([`https://page.example/models/${entry.file}`, entry.url]);
  });

  it("takes hub ids and addresses, for which the page's own copies do not count", () => {
    expect(weightsRequest("hf:owner/repo/model.gguf", "https://page.example/models/")).toEqual({
      id: "hf:owner/repo/model.gguf",
      name: "model.gguf",
      urls: ["https://huggingface.co/owner/repo/resolve/main/model.gguf"],
    });
    expect(weightsRequest("https://files.example/model.gguf?v=2#part", undefined)).toEqual({
      id: "https://files.example/model.gguf?v=2",
      name: "model.gguf",
      urls: ["https://files.example/model.gguf?v=2"],
    });
  });

  it.each(["", "smollm", "SMOLLM2-135M-INSTRUCT", "file:model.gguf:0123456789abcdef", "javascript:alert(1)", "hf:owner/model.gguf"])(
    "refuses %j with what to write instead",
    (reference) => {
      expect(() => weightsRequest(reference, undefined)).toThrow(
        expect.objectContaining({ code: "invalid-option", remedy: expect.stringContaining("hf:owner/repository/file.gguf") as string }),
      );
    },
  );
});

describe("the catalogue", () => {
  it("names every model once", () => {
    expect(new Set(catalogue.map(({ id }) => id)).size).toBe(catalogue.length);
    expect(new Set(catalogue.map(({ file }) => file)).size).toBe(catalogue.length);
  });

  it.each(catalogue.map((model) => [model.id, model] as const))(
    "describes %s so that a page can show it and a load can trust it",
    (_, model) => {
      expect(model.id).toMatch(/^[a-z0-9][a-z0-9.-]*$/);
      expect(model.file).toMatch(/^[\w.-]+\.gguf$/);
      expect(model.sha256).toMatch(/^[0-9a-f]{64}$/);
      const url = new URL(model.url);
      expect(url.protocol).toBe("https:");
      // Pinned: a file that may change under its name has no checksum.
      expect(url.pathname).toMatch(/\/resolve\/[0-9a-f]{40}\//);
      expect(url.pathname.endsWith(`/${model.file}`)).toBe(true);
      for (const count of [model.size, model.parameters, model.contextLength]) {
        expect(Number.isSafeInteger(count) && count > 0).toBe(true);
      }
      for (const words of [model.name, model.description, model.license, model.quantisation]) expect(words.trim()).not.toBe("");
    },
  );
});
