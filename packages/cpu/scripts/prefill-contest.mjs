// node packages/cpu/scripts/prefill-contest.mjs [node|browser] [threads] [rows] [rounds] [model.gguf]
//
// The products of a model's layers by our kernels and by ONNX Runtime, alternating in one run: what src/onnxruntime/choose.ts is based on.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { build, runnerImport } from "vite";
import { findBrowser } from "../../../scripts/browser.mjs";
import { modelsFolder } from "../../../scripts/catalogue.mjs";
import { serve } from "../../../scripts/serve.mjs";

const folder = fileURLToPath(new URL("prefill", import.meta.url));
const [where = "node", threads = "1", rows = "128", rounds = "7", model = join(modelsFolder(), "SmolLM2-135M-Instruct.Q4_1.gguf")] =
  process.argv.slice(2);

const result = where === "browser" ? await inBrowser() : await inNode();
if (result.error) throw new Error(`${result.error} (${result.cause})`);
const { simd, own, onnxRuntime, ownLoad, onnxRuntimeLoad, bytes, difference } = result;
const [ours, theirs] = [median(own), median(onnxRuntime)];
const ratio = median(own.map((/** @type {number} */ ms, /** @type {number} */ round) => ms / onnxRuntime[round]));
console.log(`${where}, ${simd} SIMD, ${threads} threads, ${rows} rows, ${basename(model)}`);
console.log(`own ${ours.toFixed(0)} ms (best ${Math.min(...own).toFixed(0)}), ready in ${ownLoad.toFixed(0)} ms`);
console.log(
  `ONNX Runtime ${theirs.toFixed(0)} ms (best ${Math.min(...onnxRuntime).toFixed(0)}), ready in ${onnxRuntimeLoad.toFixed(0)} ms, ${(bytes / 1e6).toFixed(0)} MB of codes`,
);
console.log(`own takes ${ratio.toFixed(2)} times as long (median of ${rounds} pairs)`);
console.log(`difference ${JSON.stringify(difference)}`);
if (result.memory) console.log(result.memory);
process.exit(0);

async function inNode() {
  const { module } = await runnerImport(join(folder, "node.ts"), { configFile: false, logLevel: "error" });
  return module.run({ model, threads: Number(threads), rows: Number(rows), rounds: Number(rounds) });
}

async function inBrowser() {
  const dist = await mkdtemp(join(tmpdir(), "longtab-prefill-"));
  await build({
    root: folder,
    base: "./",
    configFile: false,
    logLevel: "error",
    build: { outDir: dist, assetsInlineLimit: 0 },
    worker: { format: "es" },
  });
  const served = await serve({ dist, models: dirname(model) });
  const browser = await chromium.launch({ executablePath: await findBrowser(), args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(`${served.url}?${new URLSearchParams({ model: basename(model), threads, rows, rounds })}`);
    await page.waitForFunction(() => document.title.startsWith("{"), undefined, { timeout: 300_000 });
    return JSON.parse(await page.title());
  } finally {
    await browser.close();
    await served.close();
    await rm(dist, { recursive: true });
  }
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
