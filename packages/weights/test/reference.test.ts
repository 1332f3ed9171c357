import { isLongtabError } from "@longtab/errors";
import { describe, expect, test } from "vitest";
import { hubFileOf, hubUrl, parseModelReference } from "../src/reference.ts";

describe("a model reference", () => {
  test("of the hub names a file of the main branch", () => {
    expect(parseModelReference("hf:owner/repo-GGUF/file.Q4_1.gguf")).toEqual({
      id: "hf:owner/repo-GGUF/file.Q4_1.gguf",
      name: "file.Q4_1.gguf",
      urls: ["https://huggingface.co/owner/repo-GGUF/resolve/main/file.Q4_1.gguf"],
    });
  });

  test("of the hub may name a revision and folders, and is URL-encoded", () => {
    expect(parseModelReference(" hf:owner/repo@refs%2Fpr%2F1/a folder/file #1.gguf ")).toEqual({
      id: "hf:owner/repo@refs%2Fpr%2F1/a folder/file #1.gguf",
      name: "file #1.gguf",
      urls: ["https://huggingface.co/owner/repo/resolve/refs%2Fpr%2F1/a%20folder/file%20%231.gguf"],
    });
  });

  test.each([
    "https://huggingface.co/owner/repo/blob/main/a%20b.gguf",
    "https://huggingface.co/owner/repo/resolve/main/a%20b.gguf?download=true",
    "hf:owner/repo@main/a b.gguf",
  ])("has one id for one file of the hub: %s", (reference) => {
    const { id, urls } = parseModelReference(reference);
    expect({ id, urls }).toEqual({ id: "hf:owner/repo/a b.gguf", urls: ["https://huggingface.co/owner/repo/resolve/main/a%20b.gguf"] });
  });

  test("may be any URL, whose fragment does not count", () => {
    expect(parseModelReference("https://example.org/models/my%20model.gguf?v=2#top")).toEqual({
      id: "https://example.org/models/my%20model.gguf?v=2",
      name: "my model.gguf",
      urls: ["https://example.org/models/my%20model.gguf?v=2"],
    });
  });

  test("goes to another hub where one is named", () => {
    expect(parseModelReference("hf:owner/repo/file.gguf", { hubBase: "http://127.0.0.1:8000/" }).urls).toEqual([
      "http://127.0.0.1:8000/owner/repo/resolve/main/file.gguf",
    ]);
  });

  test.each([
    "",
    "hf:",
    "hf:owner",
    "hf:owner/repo",
    "hf:owner/repo/",
    "hf:owner/repo/../../secret",
    "hf:owner/repo/a//b.gguf",
    "hf:owner/repo/a\\b.gguf",
    "hf:../repo/file.gguf",
    "hf:owner/./file.gguf",
    "hf:owner/repo@/file.gguf",
    "hf:own er/repo/file.gguf",
    "hf:owner/repo/file\n.gguf",
    "https://huggingface.co/owner/repo/resolve/main/%2e%2e%2fsecret",
    "https://example.org/",
    "https://user:password@example.org/file.gguf",
    "file:///etc/passwd",
    "blob:https://example.org/1234",
    "javascript:alert(1)//file.gguf",
    "data:application/octet-stream,file.gguf",
    "smollm2",
    `https://example.org/${"a".repeat(3000)}.gguf`,
  ])("that names no file is a typed error: %j", (reference) => {
    let thrown: unknown;
    try {
      parseModelReference(reference);
    } catch (error) {
      thrown = error;
    }
    expect(isLongtabError(thrown) && thrown.code).toBe("invalid-option");
    expect(String(thrown)).not.toContain("password@");
  });
});

test("a hub file and its URL are the same thing", () => {
  const file = { owner: "o", repo: "r", revision: "refs/pr/1", path: "a folder/50%.gguf" };
  expect(hubFileOf(hubUrl(file))).toEqual(file);
});

test.each([
  "https://example.org/o/r/resolve/main/f.gguf",
  "https://huggingface.co/o/r/tree/main/f.gguf",
  "https://huggingface.co/o/r/resolve/main",
])("%s is no file of the hub", (url) => {
  expect(hubFileOf(url)).toBeUndefined();
});
