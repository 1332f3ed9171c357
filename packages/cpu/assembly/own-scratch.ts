// A part of an operation's scratch for each thread that takes part in it.

/** Counts the leader's operations. */
let operations: i32 = 0;
/** The operation that this thread last took part in, and its number there. */
let joined: i32 = 0;
let number: i32 = 0;

/** Bytes at the start of an operation's scratch: how many threads have taken part so far. */
export const SCRATCH_HEADER: usize = 64;

/** Begins an operation of one job or several; returns its number. */
export function beginOperation(scratch: usize): i32 {
  store<i32>(scratch, 0);
  return ++operations;
}

/** Of this thread in an operation: those that take part count from 0. */
export function ownNumber(scratch: usize, operation: i32): usize {
  if (ASC_FEATURE_THREADS && joined != operation) {
    joined = operation;
    number = atomic.add<i32>(scratch, 1);
  }
  return <usize>number;
}
