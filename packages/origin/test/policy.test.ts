import { expect, test } from "vitest";
import { policyError } from "../src/policy.ts";

test.each([
  ["worker-src", "blob", "add blob: to its worker-src directive"],
  ["script-src", "https://cdn.example/assets/worker.js", "add https://cdn.example to its script-src directive"],
  ["connect-src", "https://huggingface.co/owner/repo/resolve/main/a.gguf", "add https://huggingface.co to its connect-src directive"],
] as const)("what %s forbids is named, with what to add", (directive, blocked, remedy) => {
  expect(policyError(directive, blocked)).toMatchObject({ code: "policy-blocked", value: blocked, limit: directive, remedy });
});
