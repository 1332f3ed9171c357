export { DraftLookUp } from "./look-up.ts";
export type { Draft } from "./look-up.ts";
export { DraftPace, mostDrafts } from "./pace.ts";
