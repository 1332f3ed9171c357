import { describe, expect, it } from "vitest";
import { EventQueue } from "../src/event-queue.ts";

async function drain(queue: EventQueue<string>): Promise<string[]> {
  const events: string[] = [];
  for await (const event of queue) events.push(event);
  return events;
}

describe("EventQueue", () => {
  it("keeps what arrives before it is asked for, in order", async () => {
    const queue = new EventQueue<string>();
    queue.push("a");
    queue.push("b");
    queue.end();
    expect(await drain(queue)).toEqual(["a", "b"]);
  });

  it("wakes a reader that waits", async () => {
    const queue = new EventQueue<string>();
    const events = drain(queue);
    for (const event of ["a", "b", "c"]) {
      await Promise.resolve();
      queue.push(event);
    }
    await Promise.resolve();
    queue.end();
    expect(await events).toEqual(["a", "b", "c"]);
  });

  it("gives what waits before it fails", async () => {
    const queue = new EventQueue<string>();
    queue.push("a");
    queue.end(new Error("broken"));
    expect(await queue.next()).toEqual({ done: false, value: "a" });
    await expect(queue.next()).rejects.toThrow("broken");
  });

  it("fails a reader that waits", async () => {
    const queue = new EventQueue<string>();
    const next = queue.next();
    queue.end(new Error("broken"));
    await expect(next).rejects.toThrow("broken");
  });

  it("holds to its first end: an answer that arrives after an abort does not undo it", async () => {
    const queue = new EventQueue<string>();
    queue.end(new Error("aborted"));
    expect(queue.ended).toBe(true);
    queue.push("late");
    queue.end();
    await expect(drain(queue)).rejects.toThrow("aborted");
  });
});
