import { BlobSource } from "@longtab/formats";
import { webOnnxRuntime } from "../../src/onnxruntime/web.ts";
import { webHost } from "../../src/web/host.ts";
import { contest } from "./contest.ts";

addEventListener("message", ({ data }: MessageEvent<{ model: string; threads: string; rows: string; rounds: string }>) => {
  void run(data).then(postMessage, (error: unknown) => postMessage({ error: String(error), cause: String((error as Error).cause) }));
});

async function run({ model, threads, rows, rounds }: { model: string; threads: string; rows: string; rounds: string }): Promise<unknown> {
  const source = new BlobSource(await (await fetch(`/models/${model}`)).blob());
  return contest({
    source,
    host: webHost,
    onnxRuntime: webOnnxRuntime,
    threads: Number(threads),
    rows: Number(rows),
    rounds: Number(rounds),
  });
}
