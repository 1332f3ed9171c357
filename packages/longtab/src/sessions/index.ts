export { hearDeleted, tellDeleted } from "./deletions.ts";
export { SessionKeeper } from "./session-keeper.ts";
export { StoredSessions } from "./session-store.ts";
