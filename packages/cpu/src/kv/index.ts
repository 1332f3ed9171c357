export { landmarksBytes, PageLandmarks } from "./landmarks.ts";
export { completeBytes, pageBytes, pageKinds, pagesBytes, selectsBy, setPages, stubBytes, tableBytes } from "./page.ts";
export type { PageKind } from "./page.ts";
export { CpuPagePool } from "./pool.ts";
export { layerPointers } from "./table.ts";
export type { CpuTable, LayerPointers } from "./table.ts";
export { PageHits } from "./hits.ts";
export { PageTurns, turnsBytes, turnWords } from "./turns.ts";
