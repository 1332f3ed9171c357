export { describeAway } from "./away.ts";
export { describeAwayDisk } from "./away-disk.ts";
export { describeBackend } from "./behaviour.ts";
export { answer, argmax, greedy, loadTiny } from "./tiny.ts";
export type { LoadOptions, TestedBackend, TinyEngine } from "./tiny.ts";
