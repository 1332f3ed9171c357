import { expect, test } from "vitest";
import { isolate } from "./isolate-response.ts";

test("a response keeps its contents, status and headers and gets those of isolation", async () => {
  const page = new Response("<h1>Hello</h1>", { status: 203, statusText: "Fine", headers: { "content-type": "text/html", etag: "x" } });
  const isolated = isolate(page);
  expect(await isolated.text()).toBe("<h1>Hello</h1>");
  expect([isolated.status, isolated.statusText]).toEqual([203, "Fine"]);
  expect(Object.fromEntries(isolated.headers)).toEqual({
    "content-type": "text/html",
    etag: "x",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  });
});

test("headers of a host that isolates otherwise are replaced, and an unchanged page has no body", () => {
  const unchanged = new Response(null, { status: 304, headers: { "cross-origin-embedder-policy": "unsafe-none" } });
  const isolated = isolate(unchanged);
  expect(isolated.body).toBeNull();
  expect(isolated.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
});

test("what cannot be copied passes as it is", () => {
  const failure = Response.error();
  expect(isolate(failure)).toBe(failure);
});
