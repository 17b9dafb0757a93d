/** Word-wise copies between rings and windows: for records of usual size cheaper than a view and a `set`. */

type Words = Int32Array | Uint32Array;

/** Past this many words one `set` of a view beats the loop (measured: the view costs about 60 ns). */
const LOOP_WORDS_MAX = 64;

/** Copies `count` words. @hot bench/ingest.ts */
export function copyWords(from: Words, fromAt: number, into: Words, intoAt: number, count: number): void {
  if (count > LOOP_WORDS_MAX) {
    into.set(from.subarray(fromAt, fromAt + count), intoAt);
    return;
  }
  for (let i = 0; i < count; i++) into[intoAt + i] = from[fromAt + i] as number;
}
