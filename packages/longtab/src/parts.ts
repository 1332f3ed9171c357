/** Parts of the library for pages that count every byte: what naming and loading a model takes, and nothing else. */
export { LongtabError, isLongtabError } from "@longtab/errors";
export { peekStored } from "@longtab/weights/light";
export { catalogue, findCatalogueEntry } from "./catalogue.ts";
export { load } from "./load.ts";
export { weightsRequest } from "./weights-request.ts";
export type * from "./api.ts";
