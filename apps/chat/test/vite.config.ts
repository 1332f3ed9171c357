import { fileURLToPath } from "node:url";
import { defineConfig, mergeConfig } from "vite";
import page from "../../../vite.config.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The page as it is built, policy and all, with the double in the library's place; into a folder of its own. */
export default mergeConfig(
  page,
  defineConfig({
    root: here(".."),
    resolve: { alias: { longtab: here("./longtab-double.ts") } },
    build: { outDir: here("../../../.cache/chat-with-double"), minify: false },
    logLevel: "warn",
  }),
);
