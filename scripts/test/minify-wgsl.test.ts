import { describe, expect, test } from "vitest";
import { minifyWgsl, shortNames } from "../minify-wgsl.mjs";
import { allShaders } from "../strip-shaders.mjs";

const minify = (source: string): string => minifyWgsl(source, shortNames([source]));

describe("a shader is made shorter", () => {
  test("without comments, and without spaces but those between words", () => {
    expect(minify("// a comment\nconst A: u32 = 1u; // another\nlet b = A;")).toBe("const A:u32=1u;let b=A;");
  });

  test("and keeps operators apart that would become others", () => {
    expect(minify("let c = d - -e; let f = g & &h; let i: vec2<u32> = j; k = (l << 2u) >> m;")).toBe(
      "let c=d- -e;let f=g& &h;let i:vec2u=j;k=(l<<2u)>>m;",
    );
  });

  test("with numbers as they are", () => {
    expect(minify("const C = 0x1p-32 + -3e38 - 1.5e-6f * 0xffu;")).toBe("const C=0x1p-32+-3e38-1.5e-6f*0xffu;");
  });

  test("with short names for functions, parameters, members and variables, and none for what WGSL or the pipeline names", () => {
    const source = `override HEADS: u32 = 4;
      struct Step { tokens: u32, position: vec2<f32> }
      @group(0) @binding(0) var<uniform> uniforms: Step;
      fn helper(value: f32) -> f32 { return max(value, uniforms.position.yx.x); }
      @compute @workgroup_size(HEADS) fn main(@builtin(workgroup_id) place: vec3<u32>) { let result = helper(f32(place.x)); }`;
    const short = minify(source);
    expect(short).toBe(
      "override HEADS:u32=4;struct c{k:u32,f:vec2f}@group(0)@binding(0)var<uniform>h:c;fn d(i:f32)->f32{return max(i,h.f.yx.x);}" +
        "@compute@workgroup_size(HEADS)fn main(@builtin(workgroup_id)e:vec3u){let j=d(f32(e.x));}",
    );
  });
});

describe("the repository's shaders", () => {
  const sources = allShaders();
  const short = shortNames(sources);

  test("get a name of their own each", () => {
    expect(short.size).toBeGreaterThan(100);
    expect(new Set(short.values()).size).toBe(short.size);
    // None is a word that stays.
    const words = new Set(sources.flatMap((source) => source.replace(/\/\/.*/g, "").match(/(?<!\w)[A-Za-z_]\w*/g) ?? []));
    for (const name of short.values()) expect(words.has(name)).toBe(false);
  });

  test("keep every number and operator, in order", () => {
    const withoutWords = (source: string): string => source.replace(/\b[A-Za-z_]\w*/g, "").replace(/\s/g, "");
    for (const source of sources) {
      const plain = source.replace(/\/\/.*$/gm, "").replace(/(vec[234]|mat[234]x[234])<[fui]32>/g, "");
      expect(withoutWords(minifyWgsl(source, short))).toBe(withoutWords(plain));
    }
  });
});
