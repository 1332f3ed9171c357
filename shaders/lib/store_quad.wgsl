// Writes the sums of the quad of rows from `row` to vec4 `index` of y, or adds them; elements beyond the shard's rows are left alone.
fn store_quad(row: u32, index: u32, sums: vec4<f32>) {
  var result = sums;
  if (shard.accumulate == 1u || row + 4u > shard.rows) {
    let old = y[index];
    let inside = vec4<u32>(row, row + 1u, row + 2u, row + 3u) < vec4<u32>(shard.rows);
    result = select(old, select(sums, sums + old, shard.accumulate == 1u), inside);
  }
  y[index] = result;
}
