import { LongtabError } from "@longtab/errors";
import { expose, wrap } from "comlink";
import type { Remote } from "comlink";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { carryTypedErrors } from "../src/comlink-errors.ts";

/** What a worker may throw, thrown on the other side of a real port. */
const thrower = {
  typed(): never {
    throw new LongtabError({
      code: "context-exceeded",
      what: "The prompt leaves no room",
      value: 9000n,
      limit: "8192 tokens",
      remedy: "shorten it",
      cause: new RangeError("too far"),
    });
  },
  async later(): Promise<never> {
    await Promise.resolve();
    throw new LongtabError({ code: "device-lost", what: "The device is gone" });
  },
  plain(): never {
    throw new TypeError("x is not a function");
  },
  text(): never {
    const words: unknown = "just words";
    throw words as Error;
  },
  uncloneable(): never {
    throw new LongtabError({ code: "internal", what: "Broken", cause: { report: () => "a function" } });
  },
  seven: () => 7,
};

let channel: MessageChannel;
let remote: Remote<typeof thrower>;

beforeAll(carryTypedErrors);
beforeEach(() => {
  channel = new MessageChannel();
  expose(thrower, channel.port1);
  remote = wrap<typeof thrower>(channel.port2);
});
afterEach(() => {
  channel.port1.close();
  channel.port2.close();
});

async function caught(call: Promise<unknown>): Promise<LongtabError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof LongtabError)) throw new Error(`not a LongtabError: ${String(error)}`);
  return error;
}

describe("errors over Comlink", () => {
  it("keep code, what, value, limit, remedy and the words of the cause", async () => {
    const error = await caught(remote.typed());
    expect(error).toMatchObject({
      name: "LongtabError",
      code: "context-exceeded",
      what: "The prompt leaves no room",
      value: 9000n,
      limit: "8192 tokens",
      remedy: "shorten it",
      cause: "RangeError: too far",
    });
    expect(error.message).toBe("The prompt leaves no room (found 9000, limit 8192 tokens). Shorten it.");
  });

  it("keep the stack of where they were thrown", async () => {
    expect((await caught(remote.typed())).stack).toContain("comlink-errors.test.ts");
  });

  it("come from promises too", async () => {
    expect(await caught(remote.later())).toMatchObject({ code: "device-lost", what: "The device is gone", remedy: undefined });
  });

  it("that are of no known kind become internal ones, with their words", async () => {
    expect(await caught(remote.plain())).toMatchObject({
      code: "internal",
      what: "Unexpected failure: TypeError: x is not a function",
    });
    expect(await caught(remote.text())).toMatchObject({ code: "internal", what: "Unexpected failure: just words" });
  });

  it("travel also when their cause cannot", async () => {
    expect(await caught(remote.uncloneable())).toMatchObject({ code: "internal", what: "Broken", cause: "[object Object]" });
  });

  it("leave results alone", async () => {
    expect(await remote.seven()).toBe(7);
  });
});
