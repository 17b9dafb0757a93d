/**
 * The slots of all wheels: per slot a list of timers (doubly linked through their records, in the order in which they
 * came), and per wheel a bitmap of the slots that have any.
 */
import type { TimerPool } from "./timer-pool.ts";
import { NEXT, NONE, PREVIOUS, WHERE_AND_KIND } from "./timer-record.ts";

/** Wheels: 64 ms, 4 s, 4 min, 4.7 h and 12 days to a block. */
export const LEVELS = 5;
/** Two blocks of 64: the one that time is in, and the next, which fills up while time passes through this one. */
export const SLOTS = 128;
export const SLOT_MASK = SLOTS - 1;
/** One step of a wheel is a block of the next finer one. */
export const BLOCK_BITS = 6;
const WORDS_PER_LEVEL = SLOTS / 32;

export class SlotLists {
  readonly #pool: TimerPool;
  readonly #heads = new Int32Array(LEVELS * SLOTS).fill(NONE);
  readonly #occupied = new Int32Array(LEVELS * WORDS_PER_LEVEL);

  constructor(pool: TimerPool) {
    this.#pool = pool;
  }

  /** The first timer of a slot, or `NONE`. @hot bench/scheduler.ts */
  head(slot: number): number {
    return this.#heads[slot] as number;
  }

  /** @hot */
  append(slot: number, index: number): void {
    const pool = this.#pool;
    const words = pool.words(index);
    const at = pool.at(index);
    const head = this.#heads[slot] as number;
    words[at + WHERE_AND_KIND] = ((words[at + WHERE_AND_KIND] as number) & ~0xffff) | slot;
    words[at + NEXT] = NONE;
    if (head === NONE) {
      words[at + PREVIOUS] = index;
      this.#heads[slot] = index;
      this.#occupied[slot >> 5] = (this.#occupied[slot >> 5] as number) | (1 << (slot & 31));
      return;
    }
    const headWords = pool.words(head);
    const headAt = pool.at(head);
    const last = headWords[headAt + PREVIOUS] as number;
    words[at + PREVIOUS] = last;
    pool.words(last)[pool.at(last) + NEXT] = index;
    headWords[headAt + PREVIOUS] = index;
  }

  /** @hot */
  remove(slot: number, index: number): void {
    const pool = this.#pool;
    const words = pool.words(index);
    const at = pool.at(index);
    const next = words[at + NEXT] as number;
    const previous = words[at + PREVIOUS] as number;
    const head = this.#heads[slot] as number;
    if (index === head) {
      this.#heads[slot] = next;
      if (next === NONE) {
        this.#occupied[slot >> 5] = (this.#occupied[slot >> 5] as number) & ~(1 << (slot & 31));
      } else {
        pool.words(next)[pool.at(next) + PREVIOUS] = previous;
      }
      return;
    }
    pool.words(previous)[pool.at(previous) + NEXT] = next;
    const after = next === NONE ? head : next;
    pool.words(after)[pool.at(after) + PREVIOUS] = previous;
  }

  /** How many steps after slot `at` of a wheel (1 to 127) the next slot with timers is; 0 where none is. @hot */
  distance(level: number, at: number): number {
    const first = level * WORDS_PER_LEVEL;
    let word = at >> 5;
    let bits = (this.#occupied[first + word] as number) & (-2 << (at & 31));
    for (let looked = 0; looked <= WORDS_PER_LEVEL; looked++) {
      if (bits !== 0) return (word * 32 + 31 - Math.clz32(bits & -bits) - at) & SLOT_MASK;
      word = (word + 1) % WORDS_PER_LEVEL;
      bits = this.#occupied[first + word] as number;
    }
    return 0;
  }
}
