/** A clock that all processes of a machine share: CLOCK_MONOTONIC, which nobody sets and nothing slews apart. */
import { dlopen, ptr } from "bun:ffi";

const { symbols } = dlopen("libc.so.6", { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
const CLOCK_MONOTONIC = 1;
const time = new BigInt64Array(new ArrayBuffer(16));

function read(): number {
  symbols.clock_gettime(CLOCK_MONOTONIC, ptr(time));
  return Number(time[0]) * 1e6 + Number(time[1]) / 1000;
}

// The runtime's clock is the same one from another zero and cheaper to read, so the difference is looked up once.
read();
const before = performance.now();
const shared = read();
const after = performance.now();
const ZERO_MICROS = shared - ((before + after) / 2) * 1000;

/** Microseconds, with a fraction. */
export function sharedMicros(): number {
  return performance.now() * 1000 + ZERO_MICROS;
}
