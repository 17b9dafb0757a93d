/**
 * A hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987) of ticks of one
 * millisecond, with a heap for the exact order within the current tick. Inserting and cancelling are O(1); time comes
 * in as a parameter, so the wheel knows no clock.
 *
 *      heap       ticks up to the present one, in exact order; fires what is due
 *      wheel 0    64 slots of 1 ms: the rest of this block, and the next block
 *      wheel 1    64 slots of 64 ms: likewise
 *      …
 *      wheel 4    64 slots of 4.7 hours; what is further out waits in the furthest slot and is placed again from there
 *
 * In a classic wheel all timers of a coarse slot move inwards at the moment when time enters it; with a million of them
 * that takes longer than a tick. Here each wheel has room for two blocks, and while time passes through one, the slot
 * of the coarser wheel that holds the next one is emptied into it bit by bit.
 *
 * Nothing is ever called early; what is late (a stall, a clock that jumped ahead) is called in order of deadlines, at
 * most `workMax` steps per call of `advance`. Where the clock is set back, timers wait until it has come to their
 * deadlines again. Timers that are inserted while others fire take their place in that order.
 */
import { assert } from "../memory/assert.ts";
import { DueHeap } from "./due-heap.ts";
import { TIMING_LIMITS } from "./limits.ts";
import { BLOCK_BITS, LEVELS, SLOT_MASK, SLOTS, SlotLists } from "./slot-lists.ts";
import { TimerPool } from "./timer-pool.ts";
import { DATA, NEXT, NONE, SEQUENCE, WHERE_AND_KIND, WHERE_HEAP } from "./timer-record.ts";

/** Names one life of a timer; a number that is not 0. */
export type TimerHandle = number;

/** What `insert` returns where the wheel holds as many timers as it may. Cancelling it does nothing. */
export const NO_TIMER: TimerHandle = 0;

export interface TimingWheelOptions {
  /** The present, ms, by any one clock. */
  readonly now: number;
  /**
   * Takes what is due: kind and data as they were given to `insert`, and the deadline. The timer is over by then, its
   * handle void. May insert and cancel, but not call `advance`.
   */
  readonly onFire: (kind: number, data: number, deadline: number) => void;
  /** Timers pending at once; default and most 2^24. */
  readonly timersMax?: number;
}

/** Further out than this, a timer waits in the furthest slot: within what the coarsest wheel can tell apart. */
const HORIZON_MS = 2 ** 30;

export class TimingWheel {
  readonly #pool: TimerPool;
  readonly #slots: SlotLists;
  readonly #heap: DueHeap;
  readonly #onFire: TimingWheelOptions["onFire"];
  /** The present tick, and its lower 32 bits, from which slots are counted. */
  #tick: number;
  #tick32: number;
  /** Wheels (from the coarsest, counted down) whose slot of the present tick may still have timers; −1 = none. */
  #undrained = -1;
  #sequence = 0;
  #isFiring = false;

  constructor(options: TimingWheelOptions) {
    this.#pool = new TimerPool(options.timersMax ?? TIMING_LIMITS.timersMax);
    this.#slots = new SlotLists(this.#pool);
    this.#heap = new DueHeap(this.#pool);
    this.#onFire = options.onFire;
    this.#tick = Math.floor(options.now);
    this.#tick32 = this.#tick | 0;
  }

  /** Timers pending. */
  get size(): number {
    return this.#pool.size;
  }

  /** Bytes of memory that the timers take. */
  get bytes(): number {
    return this.#pool.bytes + this.#heap.bytes;
  }

  /**
   * Has `onFire` called with `kind` (0 to 255) and `data` (32 bits, signed) once it is `deadline`, ms by the wheel's
   * clock. Returns `NO_TIMER` where the wheel is full.
   * @hot bench/scheduler.ts
   */
  insert(deadline: number, kind: number, data: number): TimerHandle {
    assert(deadline > Number.NEGATIVE_INFINITY && deadline < Number.POSITIVE_INFINITY, "a finite deadline");
    const pool = this.#pool;
    const index = pool.take(deadline);
    if (index === NONE) return NO_TIMER;
    const words = pool.words(index);
    const at = pool.at(index);
    words[at + SEQUENCE] = this.#sequence;
    this.#sequence = (this.#sequence + 1) | 0;
    words[at + WHERE_AND_KIND] = kind << 16;
    words[at + DATA] = data;
    this.#place(index, deadline);
    return pool.handle(index);
  }

  /** Takes a timer out; false where it has fired or was cancelled. @hot bench/scheduler.ts */
  cancel(handle: TimerHandle): boolean {
    const pool = this.#pool;
    const index = pool.find(handle);
    if (index === NONE) return false;
    const words = pool.words(index);
    const at = pool.at(index);
    const where = (words[at + WHERE_AND_KIND] as number) & 0xffff;
    if (where === WHERE_HEAP) this.#heap.remove(words[at + NEXT] as number);
    else this.#slots.remove(where, index);
    pool.give(index);
    return true;
  }

  /** The kind that a pending timer was set with; −1 where it is not pending. */
  kindOf(handle: TimerHandle): number {
    const index = this.#pool.find(handle);
    if (index === NONE) return -1;
    return (this.#pool.words(index)[this.#pool.at(index) + WHERE_AND_KIND] as number) >>> 16;
  }

  /** Whether the timer is still to come. */
  isPending(handle: TimerHandle): boolean {
    return this.#pool.find(handle) !== NONE;
  }

  /**
   * Fires what is due at `now`, in order of deadlines, in at most `workMax` steps (a timer moved or fired). Returns
   * whether there may be more at once; call it again then, after others had their turn.
   * @hot bench/scheduler.ts
   */
  advance(now: number, workMax: number = TIMING_LIMITS.workPerAdvance): boolean {
    assert(!this.#isFiring, "advance is not called from a timer");
    const target = Math.floor(now);
    let work = workMax;
    for (;;) {
      if (this.#undrained >= 0) {
        work = this.#drain(work);
        if (this.#undrained >= 0) return true;
      }
      work = this.#fire(now, work);
      if (work <= 0) return true;
      if (this.#tick >= target) break;
      this.#tick = this.#nextTick(target);
      this.#tick32 = this.#tick | 0;
      this.#undrained = LEVELS - 1;
    }
    this.#prepare(Math.min(work, TIMING_LIMITS.preparedPerAdvance));
    return false;
  }

  /**
   * When `advance` has something to do next, ms: exact for what is due within this tick, otherwise a little earlier
   * than the next deadline. Infinite where nothing is pending.
   */
  nextAt(): number {
    if (this.#undrained >= 0) return this.#tick;
    return this.#heap.size > 0 ? this.#heap.firstDeadline : this.#nextTick(Number.POSITIVE_INFINITY);
  }

  #fire(now: number, workMax: number): number {
    const heap = this.#heap;
    const pool = this.#pool;
    let work = workMax;
    this.#isFiring = true;
    try {
      while (work > 0 && heap.size > 0) {
        const deadline = heap.firstDeadline;
        if (deadline > now) break;
        const index = heap.first;
        const words = pool.words(index);
        const at = pool.at(index);
        const kind = (words[at + WHERE_AND_KIND] as number) >>> 16;
        const data = words[at + DATA] as number;
        heap.remove(0);
        pool.give(index);
        work--;
        this.#onFire(kind, data, deadline);
      }
    } finally {
      this.#isFiring = false;
    }
    return work;
  }

  /** Puts a timer where its deadline belongs, as seen from the present tick. */
  #place(index: number, deadline: number): void {
    const ahead = Math.floor(deadline) - this.#tick;
    if (ahead <= 0) {
      const words = this.#pool.words(index);
      const at = this.#pool.at(index) + WHERE_AND_KIND;
      words[at] = ((words[at] as number) & ~0xffff) | WHERE_HEAP;
      this.#heap.push(index, deadline);
      return;
    }
    const tick32 = this.#tick32;
    const tick = (tick32 + Math.min(ahead, HORIZON_MS)) | 0;
    let level = 0;
    let shift = BLOCK_BITS;
    // The finest wheel of which this block or the next is meant; ticks wrap, so the difference is taken in their bits.
    while (level < LEVELS - 1 && (((tick >>> shift) - (tick32 >>> shift)) & (-1 >>> shift)) > 1) {
      level++;
      shift += BLOCK_BITS;
    }
    this.#slots.append(level * SLOTS + ((tick >>> (shift - BLOCK_BITS)) & SLOT_MASK), index);
  }

  /** Empties the slots of the present tick, from the coarsest wheel on: into finer ones, and last into the heap. */
  #drain(workMax: number): number {
    let work = workMax;
    while (this.#undrained >= 0) {
      const level = this.#undrained;
      const slot = level * SLOTS + ((this.#tick32 >>> (level * BLOCK_BITS)) & SLOT_MASK);
      work = this.#empty(slot, work);
      if (this.#slots.head(slot) !== NONE) return 0;
      this.#undrained--;
    }
    return work;
  }

  /** Brings the next block of each wheel in from the coarser one, a little at a time. */
  #prepare(workMax: number): void {
    let work = workMax;
    for (let level = 1; level < LEVELS && work > 0; level++) {
      work = this.#empty(level * SLOTS + (((this.#tick32 >>> (level * BLOCK_BITS)) + 1) & SLOT_MASK), work);
    }
  }

  /** Places the timers of a slot again, as many as `workMax`; returns what is left of that. */
  #empty(slot: number, workMax: number): number {
    let work = workMax;
    for (let index = this.#slots.head(slot); index !== NONE && work > 0; index = this.#slots.head(slot)) {
      this.#slots.remove(slot, index);
      this.#place(index, this.#pool.deadline(index));
      work--;
    }
    return work;
  }

  /** The first tick, up to `target`, at which a slot with timers begins; `target` where none does. */
  #nextTick(target: number): number {
    let next = target;
    for (let level = 0; level < LEVELS; level++) {
      const shift = level * BLOCK_BITS;
      const at = (this.#tick32 >>> shift) & SLOT_MASK;
      const distance = this.#slots.distance(level, at);
      if (distance === 0) continue;
      const slotMs = 2 ** shift;
      next = Math.min(next, (Math.floor(this.#tick / slotMs) + distance) * slotMs);
      // Within this block: coarser wheels have nothing that is sooner.
      if ((at & (SLOTS / 2 - 1)) + distance < SLOTS / 2) break;
    }
    return next;
  }
}
