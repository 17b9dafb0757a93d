import { assert } from "./assert.ts";
import { MEMORY_THREADS_MAX } from "./limits.ts";

/** Layout: per thread a row of one float (8 bytes) per name, rounded up to 128 bytes so that threads share no line. */
const LINE_FLOATS = 16;

function rowFloats(names: number): number {
  return Math.ceil(Math.max(1, names) / LINE_FLOATS) * LINE_FLOATS;
}

/** Makes counters at zero: every name once per thread. */
export function createCounters(names: readonly string[], threads: number): SharedArrayBuffer {
  assert(threads >= 1 && threads <= MEMORY_THREADS_MAX, `1 to ${MEMORY_THREADS_MAX} threads, not ${threads}`);
  return new SharedArrayBuffer(rowFloats(names.length) * threads * 8);
}

/**
 * Numbers for metrics, one of each name per thread. Every thread constructs it with the same list of names.
 *
 * Thread contract: a thread writes its own row only, so plain loads and stores do; any thread reads all rows and gets
 * numbers that are a moment old. Floats, for they count exactly to 2^53, and 64-bit stores are whole on every processor
 * Bun runs on. A restarted thread goes on with its row, so counters do not fall.
 */
export class SharedCounters<Name extends string> {
  readonly names: readonly Name[];
  readonly threads: number;
  readonly #values: Float64Array<SharedArrayBuffer>;
  readonly #row: number;
  readonly #slots: Readonly<Record<string, number>>;

  constructor(buffer: SharedArrayBuffer, names: readonly Name[]) {
    this.names = names;
    this.#values = new Float64Array(buffer);
    this.#row = rowFloats(names.length);
    this.threads = this.#values.length / this.#row;
    assert(Number.isInteger(this.threads), "the counters were made with another list of names");
    this.#slots = Object.fromEntries(names.map((name, slot) => [name, slot]));
  }

  /** Adds to a counter of the calling thread. */
  add(thread: number, name: Name, amount = 1): void {
    const at = this.#at(thread, name);
    this.#values[at] = (this.#values[at] ?? 0) + amount;
  }

  /** Sets a gauge of the calling thread. */
  set(thread: number, name: Name, value: number): void {
    this.#values[this.#at(thread, name)] = value;
  }

  /** One thread's number. */
  get(thread: number, name: Name): number {
    return this.#values[this.#at(thread, name)] ?? 0;
  }

  /** The sum over all threads. */
  sum(name: Name): number {
    let sum = 0;
    for (let thread = 0; thread < this.threads; thread++) sum += this.get(thread, name);
    return sum;
  }

  /** All sums. */
  read(): Record<Name, number> {
    return Object.fromEntries(this.names.map((name) => [name, this.sum(name)])) as Record<Name, number>;
  }

  #at(thread: number, name: Name): number {
    return thread * this.#row + (this.#slots[name] ?? 0);
  }
}
