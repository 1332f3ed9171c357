// A block of 32 columns of x, read from the buffer part by part.
struct XBlock { index: u32 }

fn lane_of(invocation: u32) -> u32 {
  return 0u;
}

// `index` is that of the block's first vec4.
fn load_x(index: u32, lane: u32) -> XBlock {
  return XBlock(index);
}

// Columns 4i to 4i + 3.
fn x_part(block: XBlock, i: u32) -> vec4<f32> {
  return x[block.index + i];
}
