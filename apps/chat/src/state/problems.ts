import { type BackendKind, isLongtabError } from "../longtab.ts";
import type { Problem } from "./conversation.ts";

/** What the page offers beside a problem's own words. */
export type Way = "retry" | "reload-model" | "use-processor" | "choose-for-me" | "new-chat" | "trim" | "manage-storage" | "other-model";

interface Explanation {
  title: string;
  /** What is not lost, so that nobody has to wonder. */
  kept?: string;
  ways: Way[];
}

/** A failure as plain data, in the library's words. */
export function toProblem(error: unknown): Problem {
  if (isLongtabError(error)) {
    const { code, what, value, limit, remedy } = error;
    const facts = [
      value === undefined ? [] : [`found ${readable(value)}`],
      limit === undefined ? [] : [`the limit is ${readable(limit)}`],
    ].flat();
    const problem: Problem = { code, what: facts.length === 0 ? what : `${what} (${facts.join("; ")})` };
    return remedy === undefined ? problem : { ...problem, remedy };
  }
  return {
    code: "internal",
    what: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    remedy: "try again; if it comes back, reload the page",
  };
}

function readable(fact: string | number | bigint): string {
  return typeof fact === "string" ? fact : fact.toLocaleString("en");
}

export function wasAborted(error: unknown): boolean {
  return isLongtabError(error) ? error.code === "aborted" : error instanceof DOMException && error.name === "AbortError";
}

const STORED_STAYS = "What is already downloaded stays here.";
const CONVERSATION_STAYS = "Your conversation is kept.";

/** The ways that lead on from a failure on this backend: the processor is no way out of its own. */
export function waysOn(code: string, backend: BackendKind): Way[] {
  return explain(code).ways.filter((way) => way !== "use-processor" || backend !== "cpu");
}

/** A title, what is kept and the ways on, for every code that the library may throw. */
export function explain(code: string): Explanation {
  switch (code) {
    case "file-not-a-model":
      return { title: "This file is not a GGUF model", ways: ["other-model"] };
    case "file-truncated":
      return { title: "This model file is incomplete", ways: ["retry", "other-model"] };
    case "file-malformed":
    case "file-limit":
      return { title: "This model file is damaged", ways: ["other-model"] };
    case "unsupported-version":
    case "unsupported-architecture":
    case "unsupported-type":
    case "unsupported-tokenizer":
    case "template-failed":
      return { title: "Longtab cannot run this model", ways: ["other-model"] };
    case "model-not-found":
      return { title: "No model was found there", ways: ["other-model"] };
    case "offline":
      return { title: "There is no connection", kept: STORED_STAYS, ways: ["retry", "other-model"] };
    case "network-failed":
      return { title: "The download broke off", kept: STORED_STAYS, ways: ["retry", "other-model"] };
    case "source-changed":
      return { title: "The file changed while it was being downloaded", ways: ["retry"] };
    case "checksum-mismatch":
      return { title: "The download is not the file it should be", ways: ["retry", "other-model"] };
    case "quota-exceeded":
      return { title: "There is not enough space for this model", kept: STORED_STAYS, ways: ["manage-storage", "retry"] };
    case "storage-unavailable":
      return { title: "This browser does not let the page store a model", ways: ["retry"] };
    case "storage-damaged":
      return { title: "The stored copy of the model is damaged", ways: ["retry", "manage-storage"] };
    case "webgpu-unavailable":
      return { title: "This browser cannot reach a graphics card", kept: CONVERSATION_STAYS, ways: ["use-processor", "retry"] };
    case "wasm-unavailable":
    case "wasm-blocked":
      return { title: "The processor cannot run a model in this page", kept: CONVERSATION_STAYS, ways: ["choose-for-me", "retry"] };
    case "device-limit":
      return { title: "The model is too large for this device", ways: ["use-processor", "other-model"] };
    case "device-lost":
      return { title: "The graphics card stopped answering", kept: CONVERSATION_STAYS, ways: ["use-processor", "reload-model"] };
    case "out-of-memory":
      return { title: "There was not enough memory", kept: CONVERSATION_STAYS, ways: ["reload-model", "use-processor", "other-model"] };
    case "shader-failed":
      return { title: "The graphics card’s driver refused a program", ways: ["use-processor", "retry"] };
    case "self-test-failed":
      return { title: "The graphics card computes wrong results", ways: ["use-processor", "retry"] };
    case "context-exceeded":
      return { title: "The conversation is longer than the model can read", kept: CONVERSATION_STAYS, ways: ["new-chat", "trim"] };
    case "empty-prompt":
    case "invalid-message":
    case "invalid-option":
      return { title: "The model cannot use this request", kept: CONVERSATION_STAYS, ways: ["retry"] };
    case "disposed":
      return { title: "The model was closed", kept: CONVERSATION_STAYS, ways: ["reload-model"] };
    default:
      return { title: "Something went wrong", kept: CONVERSATION_STAYS, ways: ["retry"] };
  }
}
