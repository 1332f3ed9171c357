export { forwardReference, readReference } from "./forward-reference.ts";
export type { ReferenceLlama, Seen, Sight } from "./forward-reference.ts";
