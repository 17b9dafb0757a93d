/**
 * The timers of the current tick in exact order: a binary min-heap by deadline, then by insertion. Small in the usual
 * case, since a tick is a millisecond; deadlines stand beside the indices, so that a comparison needs no look at the pool.
 */
import type { TimerPool } from "./timer-pool.ts";
import { NEXT, SEQUENCE } from "./timer-record.ts";

const CAPACITY_START = 64;
/** An empty heap larger than this is made small again: it was a rush. */
const CAPACITY_KEPT = 1 << 16;

export class DueHeap {
  readonly #pool: TimerPool;
  #deadlines = new Float64Array(CAPACITY_START);
  #indices = new Int32Array(CAPACITY_START);
  #size = 0;

  constructor(pool: TimerPool) {
    this.#pool = pool;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#indices.length * 12;
  }

  /** Deadline of the first; only where there is one. @hot bench/scheduler.ts */
  get firstDeadline(): number {
    return this.#deadlines[0] as number;
  }

  /** The first timer; only where there is one. @hot */
  get first(): number {
    return this.#indices[0] as number;
  }

  /** @hot */
  push(index: number, deadline: number): void {
    if (this.#size === this.#indices.length) this.#resize(this.#size * 2);
    this.#up(this.#size++, index, deadline);
  }

  /** Takes out the timer at `place`, which the pool's record of it names. @hot */
  remove(place: number): void {
    const last = --this.#size;
    const index = this.#indices[last] as number;
    const deadline = this.#deadlines[last] as number;
    if (place !== last) {
      if (place > 0 && this.#isBefore(index, deadline, (place - 1) >> 1)) this.#up(place, index, deadline);
      else this.#down(place, index, deadline);
    }
    if (last === 0 && this.#indices.length > CAPACITY_KEPT) this.#resize(CAPACITY_START);
  }

  #up(from: number, index: number, deadline: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isBefore(index, deadline, parent)) break;
      this.#put(place, this.#indices[parent] as number, this.#deadlines[parent] as number);
      place = parent;
    }
    this.#put(place, index, deadline);
  }

  #down(from: number, index: number, deadline: number): void {
    const size = this.#size;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      const right = child + 1;
      if (
        right < size &&
        this.#isBefore(this.#indices[right] as number, this.#deadlines[right] as number, child)
      ) {
        child = right;
      }
      const childIndex = this.#indices[child] as number;
      const childDeadline = this.#deadlines[child] as number;
      if (!this.#isBefore(childIndex, childDeadline, -1, index, deadline)) break;
      this.#put(place, childIndex, childDeadline);
      place = child;
    }
    this.#put(place, index, deadline);
  }

  /** Whether a timer comes before the one at `place` (or, with a place of −1, before another one that is named). */
  #isBefore(index: number, deadline: number, place: number, otherIndex = 0, otherDeadline = 0): boolean {
    const against = place < 0 ? otherDeadline : (this.#deadlines[place] as number);
    if (deadline !== against) return deadline < against;
    return (
      this.#sequence(index) - this.#sequence(place < 0 ? otherIndex : (this.#indices[place] as number)) < 0
    );
  }

  #sequence(index: number): number {
    return this.#pool.words(index)[this.#pool.at(index) + SEQUENCE] as number;
  }

  #put(place: number, index: number, deadline: number): void {
    this.#indices[place] = index;
    this.#deadlines[place] = deadline;
    this.#pool.words(index)[this.#pool.at(index) + NEXT] = place;
  }

  #resize(capacity: number): void {
    const deadlines = new Float64Array(capacity);
    const indices = new Int32Array(capacity);
    deadlines.set(this.#deadlines.subarray(0, this.#size));
    indices.set(this.#indices.subarray(0, this.#size));
    this.#deadlines = deadlines;
    this.#indices = indices;
  }
}
