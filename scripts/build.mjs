// npm run build      makes dist/, a folder that any static host serves: the chat page, and the widget in dist/embed/. Says what it weighs.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { buildChat, dist } from "./build-chat.mjs";
import { buildEmbed } from "./build-embed.mjs";
import { installDependencies } from "./install.mjs";
import { say } from "./workspace.mjs";

/**
 * Parts of the folder, by path: the first that fits counts. `kept` is what the service worker stores when it is installed.
 * @type {{ name: string, path: RegExp, kept?: true }[]}
 */
const PARTS = [
  {
    name: "the page: document, scripts, styles",
    path: /^(index\.html|theme\.js|icon\.svg|manifest\.webmanifest|assets\/index-)/,
    kept: true,
  },
  { name: "the worker: models, tokenizer, graphics card", path: /^assets\/worker-/, kept: true },
  { name: "the processor's kernels, of which a browser uses one", path: /^assets\/kernels/, kept: true },
  { name: "onnxruntime, fetched where prompts are read with it", path: /^assets\/(ort[.-]|onnxruntime)/ },
  { name: "the processor, policies and measuring, fetched where needed", path: /^assets\//, kept: true },
  { name: "the service worker", path: /^service-worker\.js$/ },
  { name: "pictures for installing", path: /^(icons|screenshots)\// },
  { name: "the widget's onnxruntime, fetched as the page's is", path: /^embed\/assets\/(ort[.-]|onnxruntime)/ },
  { name: "the widget, with all that it may fetch besides", path: /^embed\// },
];

try {
  await installDependencies();
  await buildChat();
  await buildEmbed();
  weigh();
  say(`\nServe ${dist} with any static host: apps/chat/HOSTING.md says how.`);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

/** Prints the bytes of each part, as they are and after gzip. */
function weigh() {
  const files = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const bytes = readFileSync(path);
      const name = relative(dist, path).replaceAll("\\", "/");
      return { part: PARTS.find((part) => part.path.test(name)), bytes: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
    });
  console.log(`${"KB".padStart(9)} ${"gzip".padStart(9)}`);
  for (const part of PARTS) {
    const own = files.filter((file) => file.part === part);
    if (own.length > 0) sum(part.name, own);
  }
  sum(
    "in all kept for when there is no network",
    files.filter(({ part }) => part?.kept === true),
  );
}

/** @param {string} name @param {{ bytes: number, gzip: number }[]} files */
function sum(name, files) {
  const kilobytes = (/** @type {"bytes" | "gzip"} */ kind) =>
    (files.reduce((total, file) => total + file[kind], 0) / 1000).toFixed(1).padStart(9);
  console.log(`${kilobytes("bytes")} ${kilobytes("gzip")}  ${name}`);
}
