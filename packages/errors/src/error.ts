/**
 * Every way in which Longtab can fail, by the layer that notices. A code is part of the API: users switch on it.
 */
export type ErrorCode =
  // Model files: the bytes are not what they must be.
  | "file-not-a-model"
  | "file-truncated"
  | "file-malformed"
  | "file-limit"
  | "unsupported-version"
  | "unsupported-architecture"
  | "unsupported-type"
  | "unsupported-tokenizer"
  | "template-failed"
  // Weights: getting the bytes and keeping them.
  | "model-not-found"
  | "network-failed"
  | "offline"
  | "source-changed"
  | "checksum-mismatch"
  | "quota-exceeded"
  | "storage-unavailable"
  | "storage-damaged"
  // The device.
  | "webgpu-unavailable"
  | "wasm-unavailable"
  | "wasm-blocked"
  // The page's Content-Security-Policy forbids a worker, a script or a download: `limit` names the directive.
  | "policy-blocked"
  | "device-limit"
  | "device-lost"
  | "out-of-memory"
  | "shader-failed"
  | "self-test-failed"
  // A request.
  | "invalid-option"
  | "invalid-message"
  | "empty-prompt"
  | "context-exceeded"
  | "snapshot-damaged"
  | "snapshot-mismatch"
  | "aborted"
  | "disposed"
  | "internal";

export interface ErrorParts {
  code: ErrorCode;
  /** What went wrong, one plain sentence without a full stop: "The file ends inside tensor blk.3.ffn_up.weight". */
  what: string;
  /** The value that was met, where there is one. */
  value?: string | number | bigint;
  /** The limit that it broke, where there is one. */
  limit?: string | number | bigint;
  /** What the person can do about it, one sentence without a full stop. */
  remedy?: string;
  cause?: unknown;
}

/** A LongtabError as plain data: what crosses a worker boundary. */
export interface SerializedError {
  code: ErrorCode;
  what: string;
  value?: string | number | bigint;
  limit?: string | number | bigint;
  remedy?: string;
  /** Name and message of the cause; the cause itself may not be cloneable. */
  cause?: string;
  stack?: string;
}

/** The one error class: a literal code to switch on, and a message that says what, value, limit and remedy. */
export class LongtabError extends Error {
  override readonly name = "LongtabError";
  readonly code: ErrorCode;
  readonly what: string;
  readonly value: string | number | bigint | undefined;
  readonly limit: string | number | bigint | undefined;
  readonly remedy: string | undefined;

  constructor(parts: ErrorParts) {
    super(sentence(parts), parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = parts.code;
    this.what = parts.what;
    this.value = parts.value;
    this.limit = parts.limit;
    this.remedy = parts.remedy;
  }

  serialize(): SerializedError {
    const data: SerializedError = { code: this.code, what: this.what };
    if (this.value !== undefined) data.value = this.value;
    if (this.limit !== undefined) data.limit = this.limit;
    if (this.remedy !== undefined) data.remedy = this.remedy;
    if (this.cause !== undefined) data.cause = describe(this.cause);
    if (this.stack !== undefined) data.stack = this.stack;
    return data;
  }

  static deserialize(data: SerializedError): LongtabError {
    const { stack, ...parts } = data;
    const error = new LongtabError(parts);
    if (stack !== undefined) error.stack = stack;
    return error;
  }

  /** Leaves a LongtabError as it is and wraps anything else, so that callers can rely on `code`. */
  static from(error: unknown): LongtabError {
    if (isLongtabError(error)) return error;
    if (error instanceof DOMException && error.name === "AbortError")
      return new LongtabError({ code: "aborted", what: "The request was aborted", cause: error });
    return new LongtabError({
      code: "internal",
      what: `Unexpected failure: ${describe(error)}`,
      remedy: "please report it with this message",
      cause: error,
    });
  }
}

export function isLongtabError(error: unknown): error is LongtabError {
  return error instanceof LongtabError;
}

function sentence({ what, value, limit, remedy }: ErrorParts): string {
  const facts = [value === undefined ? [] : [`found ${value}`], limit === undefined ? [] : [`limit ${limit}`]].flat();
  return `${what}${facts.length > 0 ? ` (${facts.join(", ")})` : ""}.${remedy === undefined ? "" : ` ${remedy[0]?.toUpperCase() ?? ""}${remedy.slice(1)}.`}`;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
