/**
 * The timers of one thread: one wheel of monotonic milliseconds that all its concerns share. Each concern names a kind
 * once, with whom to call; from then on a timer is a time, that kind and one number of the concern's own (a row, a room).
 *
 * Most of what a server waits for need not be exact: a heartbeat, a room that lingers. Those are *coarse*: they fire up to
 * `coarseMs` late, many at once, and the thread, which beats a few times a second anyway, is not woken for them. Waking it
 * for each would cost an idle node more than all else it does.
 *
 * What is looked after for long and used often (a connection) is not set anew at each use: the timer fires, compares with
 * when it was used last, and sets itself for what is left of the wait.
 */
import { assert } from "../memory/assert.ts";
import { THREAD_TIMERS, TIMING_LIMITS } from "./limits.ts";
import { NO_TIMER, type TimerHandle, TimingWheel } from "./timing-wheel.ts";

/** Takes what is due: the number given with the timer, and the present. May set and cancel timers. */
export type OnDue = (data: number, now: number) => void;

/** Told that the thread stood still for so many ms until now. */
export type OnStall = (stalledMs: number, now: number) => void;

/** A concern, as `ThreadTimers.exact` and `ThreadTimers.coarse` give it out. */
export type TimerKind = number;

export class ThreadTimers {
  readonly #wheel: TimingWheel;
  readonly #takers: OnDue[] = [];
  readonly #isCoarse: boolean[] = [];
  readonly #stallTakers: OnStall[] = [];
  /** Exact timers pending: only those have a say in when the thread wakes. */
  #exact = 0;
  #now: number;
  /** When coarse timers fire next. */
  #coarseAt = Number.NEGATIVE_INFINITY;

  /** `now`: monotonic ms, here and everywhere. */
  constructor(now: number) {
    this.#now = now;
    this.#wheel = new TimingWheel({
      now,
      onFire: (kind, data) => {
        if (this.#isCoarse[kind] === false) this.#exact--;
        (this.#takers[kind] as OnDue)(data, this.#now);
      },
    });
  }

  /** Names a concern whose timers fire within the millisecond; the thread is woken for them. */
  exact(onDue: OnDue): TimerKind {
    return this.#name(onDue, false);
  }

  /** Names a concern whose timers may be up to `coarseMs` and one beat of the thread late. */
  coarse(onDue: OnDue): TimerKind {
    return this.#name(onDue, true);
  }

  /** Has `onStall` called when the thread has stood still (suspended, starved): what passed then was nobody's silence. */
  onStall(onStall: OnStall): void {
    this.#stallTakers.push(onStall);
  }

  /** The present as of the last `turn`, monotonic ms: what a turn of the loop goes by. @hot */
  get now(): number {
    return this.#now;
  }

  /** Timers pending. */
  get size(): number {
    return this.#wheel.size;
  }

  /** Bytes of memory that they take. */
  get bytes(): number {
    return this.#wheel.bytes;
  }

  /**
   * Has the kind's taker called with `data` (32 bits, signed) once it is `at`. What is set from within a taker must lie
   * ahead of the present.
   * @hot bench/scheduler.ts
   */
  set(at: number, kind: TimerKind, data: number): TimerHandle {
    const isCoarse = this.#isCoarse[kind] as boolean;
    const deadline = isCoarse ? Math.ceil(at / THREAD_TIMERS.coarseMs) * THREAD_TIMERS.coarseMs : at;
    const handle = this.#wheel.insert(deadline, kind, data);
    // Every concern bounds what it waits for, and all of them together stay far below this.
    assert(handle !== NO_TIMER, "a thread never has 2^24 timers");
    if (!isCoarse) this.#exact++;
    return handle;
  }

  /** Takes a timer out; one that has fired, or none, is no mistake. @hot */
  cancel(handle: TimerHandle): void {
    if (handle === NO_TIMER) return;
    const kind = this.#wheel.kindOf(handle);
    if (kind < 0) return;
    if (this.#isCoarse[kind] === false) this.#exact--;
    this.#wheel.cancel(handle);
  }

  isPending(handle: TimerHandle): boolean {
    return handle !== NO_TIMER && this.#wheel.isPending(handle);
  }

  /**
   * Does what is due, a bounded part of it; returns whether there is more at once. Call at least at every beat. A busy
   * thread turns thousands of times a second: between two times at which coarse timers fire that is a comparison.
   * @hot bench/fanout.ts
   */
  turn(now: number): boolean {
    const passedMs = now - this.#now;
    this.#now = now;
    if (passedMs >= THREAD_TIMERS.stallMs) for (const onStall of this.#stallTakers) onStall(passedMs, now);
    if (this.#exact === 0 && now < this.#coarseAt) return false;
    if (this.#wheel.advance(now, THREAD_TIMERS.workPerTurn)) return true;
    this.#coarseAt = (Math.floor(now / THREAD_TIMERS.coarseMs) + 1) * THREAD_TIMERS.coarseMs;
    return false;
  }

  /** When the thread has to wake for `turn`, monotonic ms; infinite where nothing but coarse timers is pending. */
  nextAt(): number {
    return this.#exact === 0 ? Number.POSITIVE_INFINITY : this.#wheel.nextAt();
  }

  #name(onDue: OnDue, isCoarse: boolean): TimerKind {
    assert(this.#takers.length <= TIMING_LIMITS.kindMax, "256 kinds of timers");
    this.#isCoarse.push(isCoarse);
    return this.#takers.push(onDue) - 1;
  }
}
