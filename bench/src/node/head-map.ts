import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseHeadMap } from "@longtab/attention/head-map";
import type { CacheShape, ContextOptions, HeadMap } from "@longtab/attention";
import { cacheShape } from "@longtab/model";
import type { ContextChoice } from "../options.ts";
import { readModelConfig } from "./open-backend.ts";

/** The map that is shipped for the catalogue's first model; from bench/dist/, where this program is built. */
const shipped = fileURLToPath(new URL("../../packages/attention/head-maps/smollm2-135m-instruct.json", import.meta.url));

/**
 * The map in `file`; unless named the shipped one, where there is one and it fits the model.
 * @throws LongtabError or Error where the named one is no head map, or another model's.
 */
export async function readHeadMap(file: string | undefined, shape: CacheShape): Promise<HeadMap | undefined> {
  const read = async (path: string): Promise<HeadMap> => parseHeadMap(JSON.parse(await readFile(path, "utf8")), shape);
  return file === undefined ? read(shipped).catch(() => undefined) : read(file);
}

/** What a backend is given for a model's file. @throws as `readHeadMap` does, and where the file is no model. */
export async function readContext(model: string, { policy, kv, headMap }: ContextChoice): Promise<ContextOptions> {
  return { policy, kv, headMap: await readHeadMap(headMap, cacheShape(await readModelConfig(model))) };
}
