import { describe, expect, test } from "vitest";
import { parseReference } from "./model-reference.ts";

describe("a model typed in", () => {
  test.each([
    ["owner/repo/model.gguf", "hf:owner/repo/model.gguf"],
    ["  hf:owner/repo/model.GGUF ", "hf:owner/repo/model.GGUF"],
    ["hf://owner/repo@v1/folder/model.gguf", "hf:owner/repo@v1/folder/model.gguf"],
    ["https://huggingface.co/owner/repo/blob/main/model.gguf", "hf:owner/repo/model.gguf"],
    ["https://huggingface.co/owner/repo/resolve/abc123/q4/model.gguf?download=true", "hf:owner/repo@abc123/q4/model.gguf"],
    ["https://huggingface.co/owner/repo/resolve/main/a%20b.gguf", "hf:owner/repo/a b.gguf"],
  ])("%s is loaded as %s", (typed, reference) => {
    expect(parseReference(typed)).toMatchObject({ reference });
  });

  test("is called by its file", () => {
    expect(parseReference("owner/repo/q4/model.gguf")).toMatchObject({ name: "model.gguf" });
  });

  test.each([
    ["", "Enter a hub name"],
    ["owner/repo", "three parts"],
    ["owner//model.gguf", "three parts"],
    ["owner/repo/model.bin", "must end in .gguf"],
    ["https://huggingface.co/owner/repo", "copy the address of its page"],
    ["https://example.com/model.gguf", "only downloads from huggingface.co"],
    ["https://huggingface.co.evil.example/a/b/resolve/main/c.gguf", "only downloads from huggingface.co"],
    ["https://", "not complete"],
    ["https://huggingface.co/a/b/resolve/main/%E0%A4.gguf", "not complete"],
  ])("%j is refused in words: %s", (typed, words) => {
    expect(parseReference(typed)).toMatchObject({ mistake: expect.stringContaining(words) as string });
  });
});
