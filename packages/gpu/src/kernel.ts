/**
 * A kernel is a shader with names: a wrong buffer or constant name is a compile error, a wrong access mode a pipeline error.
 * The order of `bindings` is the order of `@binding` numbers in group 0.
 */
export type Access = "read" | "read_write" | "uniform";

export interface Kernel<Bindings extends Record<string, Access> = Record<string, Access>, Constant extends string = string> {
  readonly name: string;
  /** WGSL; several sources are joined, libraries (which declare no bindings) first. */
  readonly source: string;
  readonly bindings: Bindings;
  readonly constants: readonly Constant[];
}

export interface KernelDefinition<Bindings extends Record<string, Access>, Constant extends string> {
  name: string;
  source: string | readonly string[];
  bindings: Bindings;
  /** Names of the overrides that every use must set. Overrides with a default may be left out of this list. */
  constants: readonly Constant[];
}

export function defineKernel<const Bindings extends Record<string, Access>, const Constant extends string = never>(
  definition: KernelDefinition<Bindings, Constant>,
): Kernel<Bindings, Constant> {
  const { name, source, bindings, constants } = definition;
  return { name, source: typeof source === "string" ? source : source.join("\n"), bindings, constants };
}

/** A buffer, part of a buffer, or a slot of the uniform ring. Uniforms must be slots: their offset is dynamic. */
export type StorageBinding = GPUBuffer | { buffer: GPUBuffer; offset?: number; size?: number };
export interface UniformSlot {
  readonly buffer: GPUBuffer;
  readonly offset: number;
}

export type Bound<Bindings extends Record<string, Access>> = {
  [Name in keyof Bindings]: Bindings[Name] extends "uniform" ? UniformSlot : StorageBinding;
};

export type Constants<Constant extends string> = Record<Constant, number>;

/** Workgroups in x, y and z. */
export type Workgroups = readonly [x: number, y?: number, z?: number];
