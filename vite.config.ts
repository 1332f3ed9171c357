import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { offlinePlugins } from "./apps/chat/pwa/plugins.ts";
import { stripShaders } from "./scripts/strip-shaders.mjs";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * What the built chat page may do. Scripts, styles and workers come from its own origin; the one thing it may speak to besides is the
 * Hugging Face hub, whose downloads are redirected to hosts under hf.co. Model output is hostile input: no image, frame or form of its own.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data:",
  "worker-src 'self' blob:",
  "connect-src 'self' https://huggingface.co https://*.huggingface.co https://*.hf.co",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** Only in the built page: Vite's development server injects styles and its client inline. */
function strictPolicy(): Plugin {
  return {
    name: "longtab:content-security-policy",
    apply: "build",
    transformIndexHtml: () => [
      { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: contentSecurityPolicy }, injectTo: "head-prepend" },
    ],
  };
}

export default defineConfig({
  root: "apps/chat",
  // Relative, so that the built folder works under any path.
  base: "./",
  plugins: [strictPolicy(), offlinePlugins()],
  build: {
    outDir: "../../dist",
    // Left to a plugin, which spares the widget's folder.
    emptyOutDir: false,
    // The oldest browsers with both WebGPU and CSS light-dark().
    target: ["chrome123", "firefox141", "safari26"],
    modulePreload: { polyfill: false },
    // An inlined asset would be a data: URL, which the policy forbids everywhere but in images.
    assetsInlineLimit: 0,
    rolldownOptions: {
      // Where a build spends its time is no news to who runs it.
      checks: { bundlerTimings: false },
      input: here("apps/chat/index.html"),
      output: { entryFileNames: "assets/[name]-[hash].js" },
    },
  },
  worker: { format: "es", plugins: () => [stripShaders()] },
});
