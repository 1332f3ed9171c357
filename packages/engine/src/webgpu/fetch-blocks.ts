import { fetchPart } from "@longtab/origin";
import type * as Blocks from "../snapshot/gpu-blocks.ts";

/** Fetched when a conversation is first kept or brought back. @throws LongtabError `network-failed` */
export async function fetchBlocks(): Promise<typeof Blocks> {
  return fetchPart("The part of Longtab that keeps conversations", async () => import("../snapshot/gpu-blocks.ts"));
}
