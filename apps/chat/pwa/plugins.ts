import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Plugin } from "vite";
import { VitePWA, type VitePWAOptions } from "vite-plugin-pwa";
import type { Entry } from "../src/pwa/precache.ts";
import { manifest } from "./manifest.ts";

/** Fetched only where prompts are read with it; 3.7 MB that most devices never need. */
const OPTIONAL = /^assets\/(ort[.-]|onnxruntime)/;
/** Below /embed/ lies the widget, an artefact of its own. */
const EMBED = "embed";

/**
 * The web manifest and the service worker, whose list of files says of each what its bytes must be: a file that a host has changed, or has of
 * another version, is never taken into the cache.
 */
export function offlinePlugins(): Plugin[] {
  let outDir = "";
  const withIntegrity = <Found extends Pick<Entry, "url" | "revision">>(found: readonly Found[]): (Found & Entry)[] =>
    found
      .map((file) => ({
        ...file,
        // A host may send on /index.html to the folder, and what was sent on answers no navigation.
        url: file.url === "index.html" ? "./" : file.url,
        integrity: `sha256-${createHash("sha256")
          .update(readFileSync(join(outDir, file.url)))
          .digest("base64")}`,
        ...(OPTIONAL.test(file.url) && { optional: true }),
      }))
      .toSorted((a, b) => (a.url < b.url ? -1 : 1));
  const options: Partial<VitePWAOptions> = {
    strategies: "injectManifest",
    srcDir: "src",
    filename: "service-worker.ts",
    // The page registers it itself: see state/registration.ts.
    injectRegister: false,
    includeManifestIcons: false,
    integration: { configureCustomSWViteBuild: (build) => void (build.logLevel = "warn") },
    manifest,
    injectManifest: {
      rollupFormat: "iife",
      injectionPoint: "self.precached",
      globPatterns: ["index.html", "theme.js", "icon.svg", "assets/**"],
      // The largest of them is optional.
      maximumFileSizeToCacheInBytes: 32 * 2 ** 20,
      manifestTransforms: [(found) => ({ manifest: withIntegrity(found), warnings: [] })],
    },
  };
  const emptyButEmbed: Plugin = {
    name: "longtab:empty-but-embed",
    apply: "build",
    configResolved({ root, build }) {
      outDir = resolve(root, build.outDir);
    },
    // Vite would empty the whole folder, and with it what the widget's build has put there.
    buildStart() {
      if (!existsSync(outDir)) return;
      for (const name of readdirSync(outDir)) if (name !== EMBED) rmSync(join(outDir, name), { recursive: true });
    },
  };
  return [emptyButEmbed, ...VitePWA(options)];
}
