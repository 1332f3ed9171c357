import { createRandom } from "@longtab/formats/testing";
import { Worker } from "node:worker_threads";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import type { CpuHost, Thread } from "../src/host.ts";
import { start } from "../src/start.ts";
import type { Started } from "../src/start.ts";
import { watchedHost } from "./kernels.ts";

const limit = 4 * 2 ** 20;
const [rows, columns] = [7, 64];

/** To wait for the ends of threads. */
const terminate = vi.spyOn(Worker.prototype, "terminate");
afterAll(() => terminate.mockRestore());

/** A module that imports a function, which nobody gives it. */
const unstartable = new WebAssembly.Module(
  Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 9, 1, 3, 101, 110, 118, 1, 102, 0, 0),
);

const opened: Started[] = [];
afterEach(() => {
  for (const { team } of opened.splice(0)) team.dispose();
});

async function open(threads: number | undefined, host: CpuHost): Promise<Started> {
  const started = await start({ host, threads, limit });
  opened.push(started);
  return started;
}

/** The same, once every helper has begun and fallen asleep: SLEEPERS of assembly/team.ts counts them. */
async function openAsleep(threads: number, host: CpuHost = watchedHost()): Promise<Started> {
  const started = await open(threads, host);
  await vi.waitUntil(() => started.heap.i32(256, 1)[0] === threads - 1, { timeout: 10_000, interval: 1 });
  return started;
}

/** Rows quantised one job after another: a digest of all that the jobs wrote. */
async function runJobs(
  { heap, kernels }: Pick<Started, "heap" | "kernels">,
  jobs: number,
  pause?: (job: number) => unknown,
): Promise<string> {
  const bytes = rows * (columns / 32) * kernels.inputBlockBytes(16);
  const [x, out] = [heap.allocate(rows * columns * 4), heap.allocate(bytes)];
  const values = createRandom(5).normals(rows * columns);
  let digest = 0;
  for (let job = 0; job < jobs; job++) {
    // What a job reads differs from job to job, so that one that is left out or comes late is seen.
    values[job % values.length] = (digest % 1000) / 100;
    heap.f32(x, values.length).set(values);
    heap.u8(out, bytes).fill(0);
    kernels.quantise(x, rows, columns, out, job % 2 === 0 ? 8 : 16);
    for (const word of heap.u32(out, bytes / 4)) digest = (Math.imul(digest, 31) + word) >>> 0;
    await pause?.(job);
  }
  heap.free(x);
  heap.free(out);
  return digest.toString(16);
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe("jobs", () => {
  let expected: string;
  test("run by one thread have something to say", async () => {
    expected = await runJobs(await open(1, watchedHost()), 3000);
    expect(expected).not.toBe("0");
  });

  // More than 1000: the number of a job passes its end and begins again.
  test.each([2, 3, 4])("by the thousand have the same bits with %d threads", async (threads) => {
    const started = await openAsleep(threads);
    expect(started.team.threads).toBe(threads);
    expect(await runJobs(started, 3000)).toBe(expected);
  });

  test("find helpers that fell asleep", async () => {
    const started = await openAsleep(3);
    // Longer than helpers look out for the next job; every thread is asleep then, or about to be.
    expect(await runJobs(started, 300, (job) => (job % 3 === 0 ? sleep(1) : undefined))).toBe(
      await runJobs(await open(1, watchedHost()), 300),
    );
  });

  test("do not wait for helpers that were ended between them", async () => {
    const host = watchedHost();
    const started = await openAsleep(4, host);
    const result = await runJobs(started, 300, async (job) => {
      if (job % 100 !== 50) return;
      // Asleep or looking out, in the middle of no item; and the team is not told.
      await sleep(5);
      host.threads[Math.floor(job / 100)]?.terminate();
      await terminate.mock.results.at(-1)?.value;
    });
    expect(result).toBe(await runJobs(await open(1, watchedHost()), 300));
  });
});

describe("a team", () => {
  test("has as many threads as were asked for, and never more than cores", async () => {
    for (const [threads, cores, expected] of [
      [1, 4, 1],
      [2, 4, 2],
      [9, 4, 4],
      [undefined, 3, 3],
      [0, 3, 1],
    ] as const) {
      const { team, heap } = await open(threads, watchedHost({ cores }));
      expect(team.threads).toBe(expected);
      expect(heap.memory.buffer instanceof SharedArrayBuffer).toBe(expected > 1);
    }
  });

  test("has one thread where memory cannot be shared", async () => {
    const host = watchedHost({ shared: false });
    const { team, heap } = await open(4, host);
    expect(team.threads).toBe(1);
    expect(heap.memory.buffer).toBeInstanceOf(ArrayBuffer);
    expect(host.threads).toHaveLength(0);
  });

  test("does with one thread where none may be started", async () => {
    const started = await open(
      4,
      watchedHost({
        startThread: () => {
          throw new DOMException("A policy forbids workers", "SecurityError");
        },
      }),
    );
    expect(started.team.threads).toBe(1);
    expect(await runJobs(started, 50)).toBe(await runJobs(await open(1, watchedHost()), 50));
  });

  test("does with the threads that could be started", async () => {
    let fail = (): void => {};
    const dead: Thread = { failed: new Promise<void>((resolve) => (fail = resolve)), terminate: () => {} };
    const host = watchedHost();
    let started = 0;
    const open3 = await open(3, { ...host, startThread: (init) => (started++ === 0 ? dead : host.startThread(init)) });
    expect(open3.team.threads).toBe(3);
    const expected = await runJobs(await open(1, watchedHost()), 50);
    expect(await runJobs(open3, 50)).toBe(expected);
    fail();
    await sleep(0);
    expect(open3.team.threads).toBe(2);
    expect(await runJobs(open3, 50)).toBe(expected);
  });

  test("notices a thread whose kernels do not start", async () => {
    const host = watchedHost();
    const { team } = await open(2, { ...host, startThread: (init) => host.startThread({ ...init, module: unstartable }) });
    expect(team.threads).toBe(2);
    await host.threads[0]?.failed;
    await sleep(0);
    expect(team.threads).toBe(1);
  });

  test("ends its threads when it is disposed", async () => {
    const host = watchedHost();
    const started = await open(3, host);
    await runJobs(started, 10);
    started.team.dispose();
    expect(started.team.threads).toBe(1);
    expect(host.threads.map(({ ended }) => ended)).toEqual([true, true]);
    // The leader is still of use, alone.
    expect(await runJobs(started, 10)).toBe(await runJobs(await open(1, watchedHost()), 10));
  });
});
