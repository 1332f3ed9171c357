export { PageMoves, readAway } from "./moves.ts";
export { OutsidePages } from "./outside.ts";
