export { checkSnapshot, restoreSnapshot, writeSnapshot } from "./snapshot.ts";
