/** A shader imported as text: `import rmsNorm from "../../../shaders/rms_norm.wgsl?raw"`. */
declare module "*.wgsl?raw" {
  const source: string;
  export default source;
}
