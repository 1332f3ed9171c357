// Memory that is about to be read, asked for all at once: pages lie far apart, and a loop that waits for one after the other waits longest for
// memory. There is no instruction to fetch ahead, so that each line is loaded and what it holds forgotten.

const LINE: usize = 64;

/** Sums words of a piece of memory into `sum`, which must go somewhere in the end. */
export function touch(address: usize, bytes: usize, sum: i32): i32 {
  const end = address + bytes;
  for (let line = address; line < end; line += LINE) sum += load<i32>(line);
  return sum;
}
