/** What a page needs of this package that only names a model: the rest is its worker's. */
export { peekStored } from "./peek.ts";
export { parseModelReference } from "./reference.ts";
