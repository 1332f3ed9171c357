// npm test [-- STEP ...]     installs what the tests need, runs them all, sums them up. Steps: see STEPS.

import { mkdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { ensureBrowser } from "./browser.mjs";
import { buildChat } from "./build-chat.mjs";
import { buildKernels } from "./build-kernels.mjs";
import { run } from "./command.mjs";
import { fetchModel } from "./fetch-model.mjs";
import { installDependencies } from "./install.mjs";
import { measureSize } from "./size.mjs";
import { findGpu } from "./software-gpu.mjs";
import { readJson, root, say, scratch, tool } from "./workspace.mjs";

/**
 * @typedef {{ passed: number, failed: number, skipped: number, failures?: string[] }} Counts failures: the name of each failed test, and why
 *
 * @typedef {object} Step
 * @property {() => Promise<Counts | void>} run throws when it fails without having counted a failed test
 * @property {string[]} [needs] steps that must succeed before it
 * @property {string[]} [prefers] steps that run before it; most of it does not depend on their success
 */

const NONE = { passed: 0, failed: 0, skipped: 0 };

/**
 * @typedef {object} VitestResults
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {{ name: string, status: string, message: string, assertionResults: { fullName: string, status: string, failureMessages?: string[] }[] }[]} testResults
 */

/** What earlier steps found out, for the environment of later ones. @type {Record<string, string>} */
const found = {};

/** Order matters: cheapest first, and what is needed before what needs it. @type {Record<string, Step>} */
const STEPS = {
  install: { run: installDependencies },
  model: { run: findTestModel },
  browser: { needs: ["install"], run: findTestBrowser },
  adapter: { needs: ["install"], prefers: ["browser"], run: findTestAdapter },
  kernels: { needs: ["install"], run: buildKernels },
  check: { needs: ["install"], run: () => command("tsc", ["-p", "tsconfig.json"], 300) },
  lint: { needs: ["install"], run: lint },
  format: { needs: ["install"], run: () => command("oxfmt", ["--check"], 60) },
  build: { needs: ["install"], run: buildChat },
  size: { needs: ["install"], run: measureSize },
  unit: { needs: ["install", "kernels"], prefers: ["model"], run: () => vitest("unit", 900) },
  gpu: { needs: ["install"], prefers: ["model", "adapter"], run: () => vitest("gpu", 1500) },
  e2e: { needs: ["install", "model", "browser", "build"], run: playwright },
};

const selected = select(process.argv.slice(2));
/** @type {Map<string, { seconds: number, counts: Counts, error: string | undefined }>} */
const results = new Map();
for (const name of selected) results.set(name, await perform(name));
report();

/** The named steps and what they need, in the order of STEPS; all of them when none is named. @param {string[]} names */
function select(names) {
  const unknown = names.find((name) => STEPS[name] === undefined);
  if (unknown !== undefined) {
    say(`There is no step "${unknown}". The steps are: ${Object.keys(STEPS).join(" ")}.`);
    process.exit(2);
  }
  const wanted = new Set(names.length > 0 ? names : Object.keys(STEPS));
  for (const name of wanted) for (const earlier of [...(STEPS[name]?.needs ?? []), ...(STEPS[name]?.prefers ?? [])]) wanted.add(earlier);
  return Object.keys(STEPS).filter((name) => wanted.has(name));
}

/** @param {string} name */
async function perform(name) {
  const step = STEPS[name];
  const missing = step?.needs?.find((needed) => results.get(needed)?.error !== undefined);
  if (step === undefined || missing !== undefined) {
    return { seconds: 0, counts: { ...NONE, failed: 1 }, error: `not run, because the step ${missing} failed` };
  }
  say(`\n=== ${name}`);
  const started = performance.now();
  let counts = NONE;
  /** @type {string | undefined} */
  let error;
  try {
    counts = (await step.run()) ?? NONE;
    if (counts.failed > 0) error = `${counts.failed} failed`;
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
    // A step that fails without a failed test is one failure: the closing line never says less than the exit status.
    counts = { ...NONE, failed: 1 };
    say(error);
  }
  return { seconds: (performance.now() - started) / 1000, counts, error };
}

/** Prints a line per step and the closing line, and sets the exit status. */
function report() {
  const sum = { ...NONE };
  console.log("");
  for (const [name, { seconds, counts, error }] of results) {
    for (const key of /** @type {const} */ (["passed", "failed", "skipped"])) sum[key] += counts[key];
    const tests = counts.passed + counts.skipped > 0 ? `  ${words(counts)}` : "";
    console.log(
      `${error === undefined ? "ok  " : "FAIL"} ${name.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s${tests}${error === undefined ? "" : `  ${error.split("\n", 1)[0]}`}`,
    );
  }
  // Said again at the end: the step that failed may be ten minutes of output ago.
  for (const [name, { counts }] of results) for (const failure of counts.failures ?? []) console.log(`\nFAIL ${name}: ${failure}`);
  console.log(`\n${words(sum)}`);
  process.exitCode = [...results.values()].some(({ error }) => error !== undefined) ? 1 : 0;
}

/** @param {Counts} counts */
function words({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

async function findTestModel() {
  const model = await fetchModel();
  say(model);
  found["LONGTAB_MODEL"] = model;
}

async function findTestBrowser() {
  const browser = await ensureBrowser();
  say(browser);
  found["LONGTAB_BROWSER"] = browser;
}

async function findTestAdapter() {
  const gpu = await findGpu({ install: true });
  if (gpu === undefined)
    throw new Error(
      "There is no WebGPU adapter for Node: install a Vulkan driver (on Debian: mesa-vulkan-drivers and libvulkan1) or Chromium, which brings one.",
    );
  say(gpu.adapter);
  Object.assign(found, gpu.env);
}

async function lint() {
  /** @type {string[]} */
  const failures = [];
  for (const name of ["oxlint", "knip"]) await command(name, [], 300).catch(() => failures.push(name));
  if (failures.length > 0) throw new Error(`${failures.join(" and ")} found something.`);
}

/** Runs a tool of the workspace; throws unless it succeeds. @param {string} name @param {string[]} args @param {number} seconds */
async function command(name, args, seconds) {
  const { status } = await run(process.execPath, [tool(name), ...args], { env: found, seconds });
  if (status === 124) throw new Error(`${name} was ended after ${seconds} s.`);
  if (status !== 0) throw new Error(`${name} ended with status ${status}.`);
}

/** @param {"unit" | "gpu"} project @param {number} seconds */
async function vitest(project, seconds) {
  const file = resultsFile(project);
  return counted(
    command("vitest", ["run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${file}`], seconds),
    () => {
      const json = /** @type {VitestResults} */ (readJson(file));
      return {
        passed: json.numPassedTests,
        failed: json.numFailedTests,
        skipped: json.numPendingTests + json.numTodoTests,
        failures: json.testResults.flatMap(failuresOf),
      };
    },
  );
}

/** The failed tests of a file; the file itself where it failed as a whole. @param {VitestResults["testResults"][number]} file */
function failuresOf({ name, status, message, assertionResults }) {
  const failed = assertionResults.filter((test) => test.status === "failed");
  if (failed.length === 0) return status === "failed" ? [`${relative(root, name)}\n${message}`] : [];
  return failed.map((test) => `${relative(root, name)} > ${test.fullName}\n${ownLines((test.failureMessages ?? []).join("\n"))}`);
}

/** A message without the runner's own part of its stack. @param {string} text */
function ownLines(text) {
  return text
    .split("\n")
    .filter((line) => !line.includes("node_modules"))
    .join("\n");
}

async function playwright() {
  const file = resultsFile("e2e");
  found["PLAYWRIGHT_JSON_OUTPUT_FILE"] = file;
  return counted(command("playwright", ["test", "--config", join(root, "e2e/playwright.config.ts"), "--reporter=list,json"], 1500), () => {
    const { stats } = /** @type {{ stats: { expected: number, unexpected: number, flaky: number, skipped: number } }} */ (readJson(file));
    return { passed: stats.expected + stats.flaky, failed: stats.unexpected, skipped: stats.skipped };
  });
}

/** @param {string} name */
function resultsFile(name) {
  const folder = join(scratch, "test");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  rmSync(file, { force: true });
  return file;
}

/**
 * The tests that a runner counted. Where the runner failed but no test did (a file that does not load, a time limit), that is a failure too.
 * @param {Promise<void>} runner @param {() => Counts} read
 */
async function counted(runner, read) {
  /** @type {unknown} */
  let failure;
  await runner.catch((/** @type {unknown} */ error) => (failure = error));
  let counts = NONE;
  try {
    counts = read();
  } catch (error) {
    throw failure ?? error;
  }
  return failure !== undefined && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}
