import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { serve } from "../serve.mjs";
import { listening, seededBytes, temporaryFolder } from "./support.ts";

const model = seededBytes(1000);

/** A page with one asset, a models folder with one model and something that is none, served. */
async function site(options: { plain?: boolean } = {}): Promise<string> {
  const folder = temporaryFolder();
  const dist = join(folder, "dist");
  const models = join(folder, "models");
  for (const path of [join(dist, "assets"), join(dist, "embed"), models]) mkdirSync(path, { recursive: true });
  writeFileSync(join(dist, "index.html"), "<title>page</title>");
  writeFileSync(join(dist, "assets/a.js"), "export {};");
  for (const name of ["service-worker.js", "manifest.webmanifest", "embed/widget.js"]) writeFileSync(join(dist, name), "");
  writeFileSync(join(folder, "secret.txt"), "secret");
  writeFileSync(join(models, "m.gguf"), model);
  writeFileSync(join(models, "m.gguf.1-0.part"), "half");
  const { url, close } = await serve({ dist, models, ...options });
  onTestFinished(close);
  return url;
}

async function range(url: string, value: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}models/m.gguf`, { headers: { range: value, ...headers } });
  return { status: response.status, range: response.headers.get("content-range"), bytes: Buffer.from(await response.arrayBuffer()) };
}

test("serves the page isolated and under a policy without eval", async () => {
  const response = await fetch(await site());
  expect(await response.text()).toBe("<title>page</title>");
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("cross-origin-opener-policy")).toBe("same-origin");
  expect(response.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
  expect(response.headers.get("content-security-policy")).toContain("script-src 'self'");
  // WebAssembly may be compiled; text may not.
  expect(response.headers.get("content-security-policy")).toContain("'wasm-unsafe-eval'");
  expect(response.headers.get("content-security-policy")).not.toContain("'unsafe-eval'");
  expect(response.headers.get("cache-control")).toBe("no-cache");
});

test("lets browsers keep files whose names carry a hash", async () => {
  const response = await fetch(`${await site()}assets/a.js`);
  expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  expect(response.headers.get("cache-control")).toContain("immutable");
});

test.each(["service-worker.js", "manifest.webmanifest", "embed/widget.js"])("has browsers ask for %s every time", async (path) => {
  expect((await fetch(`${await site()}${path}`)).headers.get("cache-control")).toBe("no-cache");
});

test("sends the web manifest as what it is", async () => {
  const response = await fetch(`${await site()}manifest.webmanifest`);
  expect(response.headers.get("content-type")).toMatch(/^application\/manifest\+json/);
});

test("lets pages of any origin use the widget, and none the page's own files", async () => {
  const url = await site();
  const widget = (await fetch(`${url}embed/widget.js`)).headers;
  expect(widget.get("access-control-allow-origin")).toBe("*");
  expect(widget.get("cross-origin-resource-policy")).toBe("cross-origin");
  expect(widget.get("content-security-policy")).toBeNull();
  const asset = (await fetch(`${url}assets/a.js`)).headers;
  expect(asset.get("access-control-allow-origin")).toBeNull();
  expect(asset.get("cross-origin-resource-policy")).toBe("same-origin");
});

test("sends no headers of its own where it plays a plain host", async () => {
  const { headers } = await fetch(await site({ plain: true }));
  expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
  for (const name of ["cross-origin-embedder-policy", "content-security-policy", "cache-control"]) expect(headers.get(name)).toBeNull();
});

test("has nobody keep the answer that a file is missing", async () => {
  const response = await fetch(`${await site()}assets/gone.js`);
  expect(response.status).toBe(404);
  expect(response.headers.get("cache-control")).toBeNull();
});

test("sends a model whole, in ranges, and not at all when it is unchanged", async () => {
  const url = await site();
  const whole = await fetch(`${url}models/m.gguf`);
  expect(Buffer.from(await whole.arrayBuffer()).equals(model)).toBe(true);
  expect(whole.headers.get("accept-ranges")).toBe("bytes");
  expect(await range(url, "bytes=10-19")).toEqual({ status: 206, range: "bytes 10-19/1000", bytes: model.subarray(10, 20) });
  expect(await range(url, "bytes=990-")).toEqual({ status: 206, range: "bytes 990-999/1000", bytes: model.subarray(990) });
  expect(await range(url, "bytes=-5")).toEqual({ status: 206, range: "bytes 995-999/1000", bytes: model.subarray(995) });
  expect(await range(url, "bytes=0-99999")).toEqual({ status: 206, range: "bytes 0-999/1000", bytes: model });
  expect(await range(url, "bytes=1000-")).toMatchObject({ status: 416, range: "bytes */1000" });
  const etag = whole.headers.get("etag") ?? "";
  expect((await fetch(`${url}models/m.gguf`, { headers: { "if-none-match": etag } })).status).toBe(304);
  expect(await range(url, "bytes=10-19", { "if-range": etag })).toMatchObject({ status: 206 });
});

test.each(["bytes=0-1,5-6", "bytes=9-3", "bytes=-", "items=0-1", "nonsense"])("sends the whole file for the range %s", async (value) => {
  expect(await range(await site(), value)).toMatchObject({ status: 200, range: null });
});

test("sends the whole file when the range is of another version", async () => {
  expect(await range(await site(), "bytes=10-19", { "if-range": '"other"' })).toMatchObject({ status: 200 });
});

test("answers HEAD with the length alone", async () => {
  const response = await fetch(`${await site()}models/m.gguf`, { method: "HEAD" });
  expect(response.headers.get("content-length")).toBe("1000");
  expect(await response.text()).toBe("");
});

test.each([
  "/nothing",
  "/../secret.txt",
  "/%2e%2e/secret.txt",
  "/..%2fsecret.txt",
  "/models/",
  "/models/m.gguf.1-0.part",
  "/models/..%2f..%2fsecret.txt",
  "/assets",
])("does not find %s", async (path) => {
  expect(await rawStatus(await site(), path)).toBe(404);
});

test.each(["/%", "/a%00b"])("refuses the unreadable address %s", async (path) => {
  expect(await rawStatus(await site(), path)).toBe(400);
});

test("refuses to be written to", async () => {
  expect((await fetch(await site(), { method: "POST" })).status).toBe(405);
});

test("takes the next port when one is in use", async () => {
  const taken = Number(new URL(await listening((_, response) => response.end())).port);
  const folder = temporaryFolder();
  const served = await serve({ dist: folder, models: folder, ports: [taken, 0] });
  onTestFinished(served.close);
  expect(served.port).not.toBe(taken);
  await expect(serve({ dist: folder, models: folder, ports: [taken] })).rejects.toThrow("EADDRINUSE");
});

/** The status of a path sent as it stands: fetch would tidy it up first. */
function rawStatus(url: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { path }, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });
}
