/**
 * Memory of timers: records in chunks of typed arrays, a list of the free ones through the records themselves. A chunk
 * is allocated when all are taken and kept from then on, so a steady number of timers costs no allocation, and growing
 * never copies.
 */
import { assert } from "../memory/assert.ts";
import {
  DATA,
  GENERATION,
  NEXT,
  NONE,
  TIMER_BYTES,
  TIMER_WORDS,
  WHERE_AND_KIND,
  WHERE_FREE,
} from "./timer-record.ts";

const CHUNK_BITS = 10;
const CHUNK_TIMERS = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_TIMERS - 1;
/** A handle is generation × 2^24 + index; both together stay below 2^53. */
const INDEX_SPAN = 2 ** 24;
const GENERATION_MAX = 2 ** 29 - 1;

export class TimerPool {
  readonly #timersMax: number;
  readonly #words: Int32Array[] = [];
  readonly #deadlines: Float64Array[] = [];
  #free: number = NONE;
  #size = 0;

  constructor(timersMax: number) {
    assert(timersMax >= 1 && timersMax <= INDEX_SPAN, "1 to 2^24 timers");
    this.#timersMax = timersMax;
  }

  /** Timers taken. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#words.length * CHUNK_TIMERS * TIMER_BYTES;
  }

  /** The chunk of a timer, as words. @hot bench/scheduler.ts */
  words(index: number): Int32Array {
    return this.#words[index >> CHUNK_BITS] as Int32Array;
  }

  /** Where the timer begins in its chunk, in words. @hot */
  at(index: number): number {
    return (index & CHUNK_MASK) * TIMER_WORDS;
  }

  /** @hot */
  deadline(index: number): number {
    return (this.#deadlines[index >> CHUNK_BITS] as Float64Array)[(index & CHUNK_MASK) << 2] as number;
  }

  /** Takes a free timer; `NONE` where there are as many as may be. Its generation stays as it is. @hot */
  take(deadline: number): number {
    if (this.#free === NONE && !this.#grow()) return NONE;
    const index = this.#free;
    this.#free = this.words(index)[this.at(index) + NEXT] as number;
    (this.#deadlines[index >> CHUNK_BITS] as Float64Array)[(index & CHUNK_MASK) << 2] = deadline;
    this.#size++;
    return index;
  }

  /** Gives a timer back; its handles are void from now on. @hot */
  give(index: number): void {
    const words = this.words(index);
    const at = this.at(index);
    const generation = words[at + GENERATION] as number;
    words[at + GENERATION] = generation === GENERATION_MAX ? 1 : generation + 1;
    words[at + WHERE_AND_KIND] = WHERE_FREE;
    words[at + DATA] = 0;
    words[at + NEXT] = this.#free;
    this.#free = index;
    this.#size--;
  }

  /** Names this life of a timer. @hot */
  handle(index: number): number {
    return (this.words(index)[this.at(index) + GENERATION] as number) * INDEX_SPAN + index;
  }

  /** The timer that a handle names; `NONE` where that life is over. @hot */
  find(handle: number): number {
    const generation = Math.floor(handle / INDEX_SPAN);
    const index = handle - generation * INDEX_SPAN;
    if (index >> CHUNK_BITS >= this.#words.length) return NONE;
    const words = this.words(index);
    const at = this.at(index);
    if (words[at + GENERATION] !== generation || words[at + WHERE_AND_KIND] === WHERE_FREE) return NONE;
    return index;
  }

  #grow(): boolean {
    const first = this.#words.length * CHUNK_TIMERS;
    const count = Math.min(CHUNK_TIMERS, this.#timersMax - first);
    if (count <= 0) return false;
    const words = new Int32Array(CHUNK_TIMERS * TIMER_WORDS);
    for (let i = 0; i < count; i++) {
      words[i * TIMER_WORDS + NEXT] = i + 1 === count ? NONE : first + i + 1;
      words[i * TIMER_WORDS + GENERATION] = 1;
      words[i * TIMER_WORDS + WHERE_AND_KIND] = WHERE_FREE;
    }
    this.#words.push(words);
    this.#deadlines.push(new Float64Array(words.buffer));
    this.#free = first;
    return true;
  }
}
