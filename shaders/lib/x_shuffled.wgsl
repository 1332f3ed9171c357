enable subgroups;
// A block of 32 columns of x, of which each lane of the subgroup loads one part and hands it round. All lanes must be at the same block, and subgroups
// must have eight lanes or more.
struct XBlock { own: vec4<f32> }

// The lane within the subgroup; a workgroup's order of invocations need not tell.
fn lane_of(invocation: u32) -> u32 {
  return subgroupExclusiveAdd(1u);
}

// `index` is that of the block's first vec4.
fn load_x(index: u32, lane: u32) -> XBlock {
  return XBlock(x[index + lane % 8u]);
}

// Columns 4i to 4i + 3.
fn x_part(block: XBlock, i: u32) -> vec4<f32> {
  return subgroupShuffle(block.own, i);
}
