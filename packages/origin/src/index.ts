export { fetchPart } from "./part.ts";
export { findBlock } from "./policy.ts";
export { explainWorker, startWorker } from "./worker.ts";
