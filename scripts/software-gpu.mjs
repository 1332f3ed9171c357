import { existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findBrowser } from "./browser.mjs";
import { run } from "./command.mjs";
import { canInstallPackages, forgetPackageLists, installPackages } from "./debian.mjs";
import { say, scratch } from "./workspace.mjs";

/**
 * @typedef {object} Gpu
 * @property {string} adapter its name, for people
 * @property {Record<string, string>} env what a child process needs in its environment to find it
 */

/** The adapter that the machine's own drivers offer, if any. @returns {Promise<Gpu | undefined>} */
export function findOwnGpu() {
  return probe({});
}

/**
 * The adapter that the npm package `webgpu` (Dawn) can use in Node: the machine's own, else a processor that plays one: Mesa's lavapipe,
 * installed where that is allowed and possible, else the SwiftShader inside Chromium. Each is tried in a process of its own.
 * @param {{ install: boolean }} options
 * @returns {Promise<Gpu | undefined>}
 */
export async function findGpu({ install }) {
  const own = await findOwnGpu();
  // Who names a driver in the environment means it, and only Linux has drivers to choose from.
  if (own !== undefined || process.env["VK_ICD_FILENAMES"] || process.env["VK_DRIVER_FILES"] || process.platform !== "linux") return own;
  return (install && (await installLavapipe()) ? await probe({}) : undefined) ?? (await findSwiftShader());
}

/** @param {Record<string, string>} env @returns {Promise<Gpu | undefined>} */
async function probe(env) {
  const script = fileURLToPath(new URL("probe-gpu.mjs", import.meta.url));
  // Dawn's warnings share the output; the answer is the last line.
  const { output } = await run(process.execPath, [script], { output: "capture", env, seconds: 60 });
  const answer = output.split("\n").findLast((line) => line.startsWith("{"));
  if (answer === undefined) return undefined;
  const { vendor, architecture, description } = /** @type {GPUAdapterInfo} */ (JSON.parse(answer));
  return { adapter: description || `${vendor} ${architecture}`, env };
}

/** Mesa's lavapipe: ten times SwiftShader's speed. Dawn needs a newer one than Debian 12 has (22.3), which its backports do have. */
async function installLavapipe() {
  if (!canInstallPackages()) return false;
  const why = "a software GPU (Mesa's lavapipe) for the tests of the kernels";
  const release = codename() === "bookworm" ? "bookworm-backports" : undefined;
  if (release !== undefined) addBackports(release);
  return installPackages(["mesa-vulkan-drivers", "libvulkan1"], release === undefined ? { why } : { why, release });
}

function codename() {
  return existsSync("/etc/os-release") ? /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] : undefined;
}

/** Adds a release to apt's sources, from the mirror that apt uses already. @param {string} release */
function addBackports(release) {
  const folder = "/etc/apt/sources.list.d";
  const sources = [
    join(folder, "debian.sources"),
    "/etc/apt/sources.list",
    ...readdirSync(folder).map((name) => join(folder, name)),
  ].filter(existsSync);
  const texts = sources.map((path) => readFileSync(path, "utf8"));
  if (texts.some((text) => text.includes(release))) return;
  const mirror = texts.map((text) => /^(?:URIs: |deb (?:\[[^\]]*\] )?)(https?:\S+)/m.exec(text)?.[1]).find((found) => found !== undefined);
  writeFileSync(
    join(folder, `${release}.sources`),
    [
      "Types: deb",
      `URIs: ${mirror ?? "http://deb.debian.org/debian"}`,
      `Suites: ${release}`,
      "Components: main",
      "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
      "",
    ].join("\n"),
  );
  say(`Added ${release} to apt's sources (${folder}/${release}.sources).`);
  forgetPackageLists();
}

/** The SwiftShader that every Chromium brings, and Chromium's own Vulkan loader where the system has none. */
async function findSwiftShader() {
  const browser = await findBrowser();
  const folders = [
    ...(browser === undefined ? [] : [dirname(realpathSync(browser))]),
    "/usr/lib/chromium",
    "/usr/lib64/chromium-browser",
    "/opt/google/chrome",
  ];
  for (const folder of folders) {
    const driver = join(folder, "libvk_swiftshader.so");
    if (!existsSync(driver)) continue;
    const env = describeDriver(driver);
    const found = (await probe(env)) ?? (await probe({ ...env, LD_LIBRARY_PATH: borrowLoader(folder) }));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A Vulkan driver file of our own: not every Chromium has one beside its SwiftShader. @param {string} driver */
function describeDriver(driver) {
  const folder = join(scratch, "vulkan");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "swiftshader.json");
  writeFileSync(file, JSON.stringify({ file_format_version: "1.0.0", ICD: { library_path: driver, api_version: "1.1.0" } }));
  // The second name is the loader's newer one for the first.
  return { VK_ICD_FILENAMES: file, VK_DRIVER_FILES: file };
}

/** A folder that holds nothing but Chromium's libvulkan.so.1, so that a library path does not bring in its other libraries. @param {string} folder */
function borrowLoader(folder) {
  const own = join(scratch, "vulkan", "loader");
  mkdirSync(own, { recursive: true });
  const link = join(own, "libvulkan.so.1");
  rmSync(link, { force: true });
  symlinkSync(join(folder, "libvulkan.so.1"), link);
  return own;
}
