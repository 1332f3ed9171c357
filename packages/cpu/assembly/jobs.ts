// The kinds of jobs. What each does is in the file that exports its function; index.ts leads from one to the other.

export const QUANTISE: i32 = 1;
export const NORM: i32 = 2;
export const SILU: i32 = 3;
export const PRODUCT: i32 = 4;
export const EMBED: i32 = 5;
export const RELAY: i32 = 6;
export const APPEND: i32 = 7;
export const ATTEND: i32 = 8;
export const COMBINE: i32 = 9;
export const CLOSE: i32 = 10;
export const RANK: i32 = 11;
export const SCORE: i32 = 12;
