export { createSamplerScratch, recordSample } from "./sample.ts";
export type { SamplerScratch } from "./sample.ts";
export { defaultSampling, validateSampling } from "./options.ts";
export type { SamplingOptions } from "./options.ts";
