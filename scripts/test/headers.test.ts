import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ISOLATION_HEADERS } from "../serve.mjs";

const file = readFileSync(new URL("../../apps/chat/public/_headers", import.meta.url), "utf8");

/** The headers that the file gives a path, as Netlify and Cloudflare join them. */
function headersOf(path: string): Record<string, string> {
  const headers: Record<string, string> = {};
  let applies = false;
  for (const line of file.split("\n")) {
    const rule = /^(\/\S*)$/.exec(line)?.[1];
    if (rule !== undefined) applies = rule.endsWith("*") ? path.startsWith(rule.slice(0, -1)) : path === rule;
    const [, name = "", value = ""] = /^ {2}([\w-]+): (.*)$/.exec(line) ?? [];
    const key = name.toLowerCase();
    if (applies && name !== "") headers[key] = key in headers ? `${headers[key]}, ${value}` : value;
  }
  return headers;
}

test.each(["/", "/index.html", "/assets/worker-1.js"])("isolates %s as `npm start` does", (path) => {
  for (const name of ["cross-origin-opener-policy", "cross-origin-embedder-policy"] as const) {
    expect(headersOf(path)[name]).toBe(ISOLATION_HEADERS[name]);
  }
});

test("has browsers ask for the page and its service worker each time, and keep what has a hash", () => {
  for (const path of ["/", "/index.html", "/service-worker.js"]) expect(headersOf(path)["cache-control"]).toBe("no-cache, no-transform");
  expect(headersOf("/assets/index-1.js")["cache-control"]).toBe("public, max-age=31536000, immutable");
});

test("gives pages of any origin the widget and its models alone", () => {
  for (const path of ["/embed/longtab-chat.js", "/models/some.gguf"]) {
    expect(headersOf(path)).toMatchObject({ "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" });
  }
  expect(headersOf("/assets/index-1.js")["access-control-allow-origin"]).toBeUndefined();
});
