/** What every thread but main has in common: how it starts, beats, sleeps, counts and ends. */
import { Heartbeats, SharedCounters, Signal } from "@danmakud/core/memory";
import type { Clock, Counters, Random } from "@danmakud/core/ports";
import { ThreadTimers } from "@danmakud/core/timing";
import type { FromThread, StartMessage, ToThread } from "./messages.ts";
import { DurableState, METRIC_NAMES } from "./shared-memory.ts";

declare const self: Worker;

/** A thread beats at least this often. */
const BEAT_MS = 200;

export const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

export const random: Random = {
  // 12 characters of 36: 62 bits.
  token: () => {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
  },
  fraction: () => Math.random(),
};

export function say(message: FromThread): void {
  self.postMessage(message);
}

/** Reports a fault that nobody else can be told of. */
export function report(message: string, cause: unknown): void {
  say({
    type: "log",
    level: "error",
    message,
    detail: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
  });
}

/** The parts of shared memory that belong to one thread. */
export class ThreadContext {
  readonly start: StartMessage;
  readonly signal: Signal;
  readonly heartbeats: Heartbeats;
  readonly durable: DurableState;
  readonly counters: Counters;
  /** What the thread does later; `runLoop` sees to it before every turn. */
  readonly timers = new ThreadTimers(clock.monotonic());

  constructor(start: StartMessage) {
    const { memory, thread } = start;
    this.start = start;
    this.signal = new Signal(memory.signals, thread);
    this.heartbeats = new Heartbeats(memory.heartbeats);
    this.durable = new DurableState(memory);
    const counters = new SharedCounters(memory.counters, METRIC_NAMES);
    this.counters = {
      add: (metric, amount) =>
        counters.add(thread, METRIC_NAMES[metric] as (typeof METRIC_NAMES)[number], amount),
      set: (metric, value) =>
        counters.set(thread, METRIC_NAMES[metric] as (typeof METRIC_NAMES)[number], value),
    };
  }
}

export interface Loop {
  /** Does a bounded piece of work; returns whether there is more at once. */
  turn(): boolean;
  /** Whether `turn` would find nothing in shared memory. */
  isIdle(): boolean;
  /** When `turn` is due at the latest although nothing came, monotonic ms; for what does not stand in the timers. */
  nextDueAt(): number;
  /** Whether what comes before `nextDueAt` can wait until then: the thread is not woken for it. */
  canWait?(): boolean;
  /** Work by the clock, every `BEAT_MS`. */
  tick(): void;
}

/** Turns until `isOver` says so. Sockets and messages get their share after every turn. */
export async function runLoop(context: ThreadContext, loop: Loop, isOver: () => boolean): Promise<void> {
  const { signal, heartbeats, start, timers } = context;
  const nextDueAt = () => Math.min(loop.nextDueAt(), timers.nextAt());
  const alarm = new Alarm(() => signal.wake());
  let tickAt = 0;
  const turn = (): boolean => {
    heartbeats.beat(start.thread);
    if (clock.monotonic() >= tickAt) {
      loop.tick();
      tickAt = clock.monotonic() + BEAT_MS - TIMER_SLACK_MS;
    }
    const isMoreDue = timers.turn(clock.monotonic());
    return loop.turn() || isMoreDue;
  };
  // A thread that sleeps must beat too, and mostly that is all there is to do: it sleeps on, as each wake-up costs an
  // idle node more than the turn itself. And the interval keeps the thread from ending.
  const beat = setInterval(() => {
    if (turn() || isOver() || nextDueAt() - clock.monotonic() < BEAT_MS) signal.wake();
  }, BEAT_MS);
  while (!isOver()) {
    if (turn()) {
      await nextTurn();
      continue;
    }
    const dueAt = nextDueAt();
    const waitMs = dueAt - clock.monotonic();
    if (waitMs <= 0) {
      await nextTurn();
    } else if (loop.canWait?.() === true) {
      // The runtime cuts off what is below a millisecond: the thread would ask again and again until it has passed.
      await Bun.sleep(Math.min(Math.ceil(waitMs), BEAT_MS));
    } else {
      if (waitMs < BEAT_MS) alarm.set(dueAt);
      // Without a time-out: each would keep a timer alive although a wake-up mostly comes first.
      await (signal.sleep(() => loop.isIdle()) ?? nextTurn());
    }
  }
  clearInterval(beat);
  alarm.clear();
}

/** An interval may come a little early by this clock. */
const TIMER_SLACK_MS = 5;

/** One timer that is set again and again; setting it for later than it is set already costs nothing. */
export class Alarm {
  readonly #ring: () => void;
  #at = Number.POSITIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings at `at`, monotonic ms, or earlier. */
  set(at: number): void {
    if (at >= this.#at) return;
    this.clear();
    this.#at = at;
    const ring = () => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#ring();
    };
    // The time may have come since it was looked at, and the runtime warns of times below zero.
    this.#timer = setTimeout(ring, Math.max(0, at - clock.monotonic()));
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#at = Number.POSITIVE_INFINITY;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Runs a thread: waits for `start`, then hands over; answers faults planted by tests. */
export function runThread(run: (context: ThreadContext, messages: MessageHandlers) => Promise<void>): void {
  const handlers: MessageHandlers = {};
  self.onmessage = (event: MessageEvent<ToThread>) => {
    const message = event.data;
    if (message.type === "start") {
      run(new ThreadContext(message), handlers).catch((error: unknown) => {
        // Out of the promise, so that main sees the thread die.
        setTimeout(() => {
          throw error;
        });
      });
    } else if (message.type === "fault") {
      if (message.fault === "crash") throw new Error("a crash planted by a test");
      if (message.fault === "stuck") return Bun.sleepSync(message.ms);
      for (;;);
    } else handlers[message.type]?.(message as never);
  };
}

export type MessageHandlers = {
  -readonly [Type in ToThread["type"]]?: (message: Extract<ToThread, { type: Type }>) => void;
};
