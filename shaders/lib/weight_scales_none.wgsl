// Formats whose parts are the weights; `scales` is not read.

fn load_scales(quad: u32, block: u32) -> Scales {
  return Scales(vec4<f32>(1.0), vec4<f32>(1.0), vec4<f32>(0.0), vec4<f32>(0.0));
}
