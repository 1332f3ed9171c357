export { aborted, orAborted, throwIfAborted } from "./abort.ts";
export { LongtabError, isLongtabError } from "./error.ts";
export type { ErrorCode, ErrorParts, SerializedError } from "./error.ts";
