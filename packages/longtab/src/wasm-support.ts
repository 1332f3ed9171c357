import { LongtabError } from "@longtab/errors";

/** The smallest module with a SIMD instruction: a function that gives i8x16.splat(0). */
const simdModule = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11);

/**
 * Why the processor's own path is closed here, or undefined where it is open: `wasm-unavailable` without WebAssembly or its SIMD instructions,
 * `wasm-blocked` where the page's policy forbids it.
 */
export function findWasmProblem(wasm: typeof WebAssembly | undefined = globalThis.WebAssembly): LongtabError | undefined {
  if (!wasm?.validate(simdModule)) {
    return new LongtabError({
      code: "wasm-unavailable",
      what: wasm ? "This browser has no WebAssembly SIMD" : "WebAssembly is switched off in this browser",
      remedy: wasm
        ? "update the browser: Chrome and Edge from 91 on, Firefox from 89 and Safari from 16.4 have it"
        : "switch it on, or take this page out of the browser’s lockdown or strictest mode",
    });
  }
  try {
    // Validation passes everywhere; making a module is what a policy forbids.
    void new wasm.Module(simdModule);
    return undefined;
  } catch (cause) {
    return new LongtabError({
      code: "wasm-blocked",
      what: "This page’s Content-Security-Policy forbids WebAssembly",
      remedy: "add 'wasm-unsafe-eval' to its script-src directive",
      cause,
    });
  }
}
