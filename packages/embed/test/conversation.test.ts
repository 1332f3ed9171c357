import { expect, test } from "vitest";
import { toMessages } from "../src/conversation.ts";
import type { Exchange } from "../src/conversation.ts";

const exchange = (question: string, answer: string, state: Exchange["state"] = "done"): Exchange => ({
  question,
  answer,
  state,
  finish: undefined,
  error: undefined,
});

test("a request has the system message, what was answered, and the question", () => {
  expect(toMessages([exchange("a", "b"), exchange("c", "d", "stopped")], "e", "s")).toEqual([
    { role: "system", content: "s" },
    { role: "user", content: "a" },
    { role: "assistant", content: "b" },
    { role: "user", content: "c" },
    { role: "assistant", content: "d" },
    { role: "user", content: "e" },
  ]);
});

test("questions that were not answered are left out, so that roles alternate", () => {
  expect(toMessages([exchange("a", "", "failed"), exchange("b", " ", "stopped")], "c", " ")).toEqual([{ role: "user", content: "c" }]);
});
