export { LongtabError, isLongtabError } from "./error.ts";
export type { ErrorCode, ErrorParts, SerializedError } from "./error.ts";
