import { expect, test } from "vitest";
import { answer, loadTiny } from "./tiny.ts";

/** Several chunks. */
const long = "the sea and the land and the sky and ".repeat(10);

test("an abort in the middle of a chunk of a prompt does not wait for the chunk", async () => {
  // Wide enough that a chunk takes a software adapter a while.
  const tiny = await loadTiny({ seed: 5, layers: 1, hidden: 256, ffn: 1024, headSize: 64, contextLength: 512 });
  const order: string[] = [];
  const controller = new AbortController();
  let submitted = (): void => {};
  const underWay = new Promise<void>((resolve) => (submitted = resolve));
  const work = answer(tiny, long, {
    signal: controller.signal,
    onPrefill: (done) => {
      // The chunk is submitted in the microtasks after this call; by the next turn of the event loop it is under way.
      if (done === 0) setTimeout(submitted, 0);
    },
  }).catch((error: unknown) => order.push("abort") && Promise.reject(error as Error));
  await underWay;
  const step = tiny.backend.gpu.device.queue.onSubmittedWorkDone().then(() => order.push("step"));
  controller.abort();
  await expect(work).rejects.toMatchObject({ code: "aborted" });
  await step;
  expect(order).toEqual(["abort", "step"]);
  tiny.engine.dispose();
});
