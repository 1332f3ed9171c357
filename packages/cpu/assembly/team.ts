// The team: every thread runs this same module on one memory. An operation is a job of items; the leader publishes it, everybody takes
// items until none is left. Jobs start and end hundreds of times a token, so waiting first spins and only then sleeps.
// With unshared memory there is nobody else, and the leader does every item.

import { perform } from "./index";

// The job block, at the start of memory; hot words lie on cache lines of their own.
/** i32: number of the job, for sleepers to wait on. */
const SEQUENCE: usize = 64;
/** i64: number of the job, its items, the next item (24, 20 and 20 bits). One word, so that nobody can take an item of a job that has ended. */
const TICKET: usize = 128;
/** i32: items done. */
const DONE: usize = 192;
/** i32: helpers asleep. */
const SLEEPERS: usize = 256;
/** i32: 1 while the leader sleeps until the last item is done. */
const LEADER_SLEEPS: usize = 260;
const KIND: usize = 320;
const ARGUMENTS: usize = 324;

const ITEM_BITS: i64 = 20;
const ITEM_MASK: i64 = (1 << ITEM_BITS) - 1;
const JOB_MASK: i32 = (1 << 24) - 1;

/** Looks at a word that another thread will change before sleeping: some tens of microseconds. */
const SPINS: i32 = 4000;
/** An item takes milliseconds at most: when none was done in so many seconds, one by one, a helper must have died. */
const PATIENCE: i32 = 20;
const SECOND: i64 = 1_000_000_000;

let helpers: i32 = 0;
/** The leader's count of jobs. It begins shortly before its end, so that its return to 0 is nothing rare. */
let sequence: i32 = JOB_MASK - 1000;

/** Tells the leader how many helpers there are. */
export function setHelpers(count: i32): void {
  helpers = count;
}

export function argument(index: i32): i32 {
  return load<i32>(ARGUMENTS + ((<usize>index) << 2));
}

export function floatArgument(index: i32): f32 {
  return load<f32>(ARGUMENTS + ((<usize>index) << 2));
}

export function setArgument(index: i32, value: i32): void {
  store<i32>(ARGUMENTS + ((<usize>index) << 2), value);
}

export function setFloatArgument(index: i32, value: f32): void {
  store<f32>(ARGUMENTS + ((<usize>index) << 2), value);
}

/** Runs a job whose arguments are set, and returns when all of its items (at most 2^20 - 1) are done. */
export function run(kind: i32, items: i32): void {
  if (!ASC_FEATURE_THREADS || helpers == 0 || items == 1) {
    for (let item = 0; item < items; item++) perform(kind, item);
    return;
  }
  store<i32>(KIND, kind);
  atomic.store<i32>(DONE, 0);
  sequence = (sequence + 1) & JOB_MASK;
  atomic.store<i64>(TICKET, ((<i64>sequence) << (2 * ITEM_BITS)) | ((<i64>items) << ITEM_BITS));
  atomic.store<i32>(SEQUENCE, sequence);
  if (atomic.load<i32>(SLEEPERS) > 0) atomic.notify(SEQUENCE, min(helpers, items - 1));
  takeItems(sequence);
  awaitDone(items);
}

/** What a helper does all its life. It is ended from outside. */
export function join(): void {
  if (!ASC_FEATURE_THREADS) return;
  let seen = 0;
  for (;;) {
    seen = awaitJob(seen);
    takeItems(seen);
  }
}

function awaitJob(seen: i32): i32 {
  let current = spinJob(seen);
  while (current == seen) {
    atomic.add<i32>(SLEEPERS, 1);
    atomic.wait<i32>(SEQUENCE, seen, -1);
    atomic.sub<i32>(SLEEPERS, 1);
    current = spinJob(seen);
  }
  return current;
}

/** The number of a job other than `seen`, or `seen` when none came while it was worth spinning. */
function spinJob(seen: i32): i32 {
  for (let spin = 0; spin < SPINS; spin++) {
    const current = atomic.load<i32>(SEQUENCE);
    if (current != seen) return current;
  }
  return seen;
}

function takeItems(job: i32): void {
  for (;;) {
    const ticket = atomic.load<i64>(TICKET);
    const item = ticket & ITEM_MASK;
    const items = (ticket >> ITEM_BITS) & ITEM_MASK;
    // Without its sign: in the later half of the numbers the highest bit is set.
    if (<i32>(ticket >>> (2 * ITEM_BITS)) != job || item == items) return;
    // Whoever takes an item keeps the job from ending, so its kind and arguments stay until the item is done.
    if (atomic.cmpxchg<i64>(TICKET, ticket, ticket + 1) != ticket) continue;
    perform(load<i32>(KIND), <i32>item);
    if (atomic.add<i32>(DONE, 1) + 1 == <i32>items && atomic.load<i32>(LEADER_SLEEPS) != 0) atomic.notify(DONE, 1);
  }
}

function awaitDone(items: i32): void {
  for (let spin = 0; spin < SPINS; spin++) if (atomic.load<i32>(DONE) == items) return;
  atomic.store<i32>(LEADER_SLEEPS, 1);
  let idle = 0;
  for (let done = atomic.load<i32>(DONE); done != items; done = atomic.load<i32>(DONE)) {
    // 2 is "timed out". Seconds are counted, not taken from a clock: a machine that slept meanwhile has lost none of them.
    idle = atomic.wait<i32>(DONE, done, SECOND) == 2 ? idle + 1 : 0;
    if (idle == PATIENCE) unreachable();
  }
  atomic.store<i32>(LEADER_SLEEPS, 0);
}
