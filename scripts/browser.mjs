import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./command.mjs";
import { canInstallPackages, installPackages } from "./debian.mjs";
import { say, tool } from "./workspace.mjs";

const NAMES = ["chromium", "google-chrome", "google-chrome-stable", "chromium-browser", "chrome", "msedge", "microsoft-edge"];

/**
 * The Chromium or Chrome to use, if one is there already: what the environment names, what is in PATH, the usual places of macOS and Windows,
 * Playwright's own. The full browser: Playwright's headless shell has no WebGPU.
 * @returns {Promise<string | undefined>} path of an executable
 */
export async function findBrowser() {
  const { LONGTAB_BROWSER, CHROMIUM, CHROME_PATH } = process.env;
  const named = LONGTAB_BROWSER || CHROMIUM || CHROME_PATH;
  // What the user names is used or refused, never passed over.
  if (named) {
    const [path] = isExecutable(named) ? [named] : inPath([named]);
    if (path === undefined)
      throw new Error(`The browser that the environment names is not there: ${named}. Correct LONGTAB_BROWSER, or leave it away.`);
    return path;
  }
  // Ubuntu has a `chromium-browser` that only says that it is not one: a browser counts when it starts.
  for (const path of inPath(NAMES)) if (await starts(path)) return path;
  return usualPlaces().find(isExecutable) ?? playwrightBrowser();
}

/** The browser that is there, or one installed now: Playwright's download, else the system's package. @returns {Promise<string>} */
export async function ensureBrowser() {
  const found = await findBrowser();
  if (found !== undefined) return found;
  return (await downloadBrowser()) ?? (await installBrowser()) ?? complain();
}

async function downloadBrowser() {
  say("No browser found; Playwright downloads Chromium.");
  // A host that does not answer must not hold up the tests for Playwright's own half minute times its mirrors.
  const env = { PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: "10000" };
  const playwright = tool("playwright");
  const { status, output } = await run(process.execPath, [playwright, "install", "--no-shell", "chromium"], {
    output: "capture",
    env,
    seconds: 300,
  });
  const path = status === 0 ? await playwrightBrowser() : undefined;
  if (path === undefined) say(`That failed: ${output.split("\n").find((line) => line.startsWith("Error: ")) ?? `status ${status}`}`);
  if (path === undefined) return undefined;
  if (await starts(path)) return path;
  say("It lacks libraries of the system.");
  if (canInstallPackages()) await run(process.execPath, [playwright, "install-deps", "chromium"], { output: "stderr", seconds: 600 });
  return (await starts(path)) ? path : undefined;
}

async function installBrowser() {
  // Pages are laid out with some font, and the package only recommends one.
  const installed = await installPackages(["chromium", "fonts-liberation"], { why: "the page is tested in a real browser" });
  return installed ? inPath(NAMES)[0] : undefined;
}

/** @returns {never} */
function complain() {
  throw new Error(
    "There is no browser to test in. Install Chromium or Chrome (on Debian: `apt-get install chromium`), or set LONGTAB_BROWSER to its executable.",
  );
}

/** Whether the program is a browser that runs here; one whose libraries are missing ends at once. @param {string} path */
async function starts(path) {
  // On Windows `--version` opens a window instead.
  if (process.platform === "win32") return true;
  return (await run(path, ["--version"], { output: "capture", seconds: 30 })).status === 0;
}

/** Where Playwright keeps its own browser, if it was downloaded and the workspace is installed. */
async function playwrightBrowser() {
  const playwright = await import("playwright").catch(() => undefined);
  const path = playwright?.chromium.executablePath();
  return path !== undefined && isExecutable(path) ? path : undefined;
}

/** Executables of these names, in the order of the names. @param {string[]} names */
function inPath(names) {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const suffix = process.platform === "win32" ? ".exe" : "";
  return names.flatMap((name) => folders.map((folder) => join(folder, `${name}${suffix}`))).filter(isExecutable);
}

function usualPlaces() {
  const { PROGRAMFILES = "", LOCALAPPDATA = "", HOME = "" } = process.env;
  if (process.platform === "darwin") {
    const apps = ["Google Chrome", "Chromium", "Microsoft Edge"].map((name) => `Applications/${name}.app/Contents/MacOS/${name}`);
    return ["/", HOME].flatMap((base) => apps.map((app) => join(base, app)));
  }
  if (process.platform !== "win32") return [];
  const edge = join(process.env["PROGRAMFILES(X86)"] ?? "", "Microsoft/Edge/Application/msedge.exe");
  return [...[PROGRAMFILES, LOCALAPPDATA].map((base) => join(base, "Google/Chrome/Application/chrome.exe")), edge];
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return existsSync(path);
  } catch {
    return false;
  }
}
