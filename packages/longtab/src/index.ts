export { Longtab } from "./longtab.ts";
export { LongtabError, isLongtabError } from "@longtab/errors";
export type { ErrorCode } from "@longtab/errors";
export type * from "./api.ts";
