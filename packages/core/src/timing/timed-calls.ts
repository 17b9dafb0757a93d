/** Functions that a thread's wheel calls later: for those who have no table of their own, such as requests on their way. */
import type { Clock, Timers } from "../ports/index.ts";
import type { ThreadTimers, TimerKind } from "./thread-timers.ts";

/** A handle is a slot and which of its lives is meant, counted from 1. */
const SLOTS_MAX = 2 ** 24;

/** One slot; used again and again. */
interface Call {
  run: (() => void) | undefined;
  /** How often, ms; 0 = once. */
  everyMs: number;
  dueAt: number;
  timer: number;
  life: number;
}

export class TimedCalls implements Timers {
  readonly #timers: ThreadTimers;
  readonly #clock: Clock;
  readonly #kind: TimerKind;
  readonly #calls: Call[] = [];
  readonly #free: number[] = [];

  constructor(timers: ThreadTimers, clock: Clock) {
    this.#timers = timers;
    this.#clock = clock;
    this.#kind = timers.coarse((slot, now) => this.#due(slot, now));
  }

  /** Calls pending. */
  get size(): number {
    return this.#calls.length - this.#free.length;
  }

  after(delayMs: number, run: () => void): number {
    return this.#put(delayMs, 0, run);
  }

  every(intervalMs: number, run: () => void): number {
    return this.#put(intervalMs, intervalMs, run);
  }

  cancel(handle: number): void {
    const slot = handle % SLOTS_MAX;
    const call = this.#calls[slot];
    if (call === undefined || call.run === undefined || call.life !== Math.floor(handle / SLOTS_MAX)) return;
    this.#timers.cancel(call.timer);
    this.#give(call, slot);
  }

  #put(delayMs: number, everyMs: number, run: () => void): number {
    const slot = this.#free.pop() ?? this.#calls.push({ run, everyMs, dueAt: 0, timer: 0, life: 0 }) - 1;
    const call = this.#calls[slot] as Call;
    call.run = run;
    call.everyMs = everyMs;
    call.dueAt = this.#clock.monotonic() + delayMs;
    call.timer = this.#timers.set(call.dueAt, this.#kind, slot);
    call.life++;
    return call.life * SLOTS_MAX + slot;
  }

  #due(slot: number, now: number): void {
    const call = this.#calls[slot] as Call;
    const { run } = call;
    if (call.everyMs === 0) this.#give(call, slot);
    else {
      // From when it was due, so that it keeps its pace; not so after a stand-still, which is not made up for.
      call.dueAt = Math.max(call.dueAt, now - call.everyMs / 2) + call.everyMs;
      call.timer = this.#timers.set(call.dueAt, this.#kind, slot);
    }
    run?.();
  }

  #give(call: Call, slot: number): void {
    call.run = undefined;
    this.#free.push(slot);
  }
}
