import { describe, expect, test } from "bun:test";
import { THREAD_TIMERS } from "./limits.ts";
import { ThreadTimers } from "./thread-timers.ts";
import { TimedCalls } from "./timed-calls.ts";
import { NO_TIMER } from "./timing-wheel.ts";

const BEAT_MS = 200;

/** A thread's timers and its clock, which moves by beats. */
function thread(start = 0) {
  const clock = { ms: start, now: () => 0, monotonic: () => clock.ms };
  const timers = new ThreadTimers(start);
  const pass = (ms: number) => {
    for (const end = clock.ms + ms; clock.ms < end; ) {
      clock.ms = Math.min(end, clock.ms + BEAT_MS);
      while (timers.turn(clock.ms));
    }
  };
  return { clock, timers, pass };
}

describe("ThreadTimers", () => {
  test("calls the taker of the kind, with the number and the present", () => {
    const { timers, pass } = thread(1000);
    const fired: string[] = [];
    const a = timers.exact((data, now) => fired.push(`a${data} ${now}`));
    const b = timers.coarse((data, now) => fired.push(`b${data} ${now}`));
    timers.set(1200, a, -7);
    timers.set(1100, b, 2 ** 31 - 1);
    pass(400);
    expect(fired).toEqual(["a-7 1200", "b2147483647 1400"]);
  });

  test("coarse ones fire after their time, together, and wake nobody; exact ones do", () => {
    const { clock, timers, pass } = thread();
    const late: number[] = [];
    const coarse = timers.coarse((at, now) => late.push(now - at));
    const exact = timers.exact(() => {});
    for (let at = 1000; at < 3000; at += 7) timers.set(at, coarse, at);
    expect(timers.nextAt()).toBe(Number.POSITIVE_INFINITY);
    const handle = timers.set(1500, exact, 0);
    expect(timers.nextAt()).toBeLessThanOrEqual(1500);
    timers.cancel(handle);
    timers.cancel(handle);
    timers.cancel(NO_TIMER);
    expect(timers.nextAt()).toBe(Number.POSITIVE_INFINITY);
    timers.set(2000, exact, 0);
    pass(4000);
    expect(timers.nextAt()).toBe(Number.POSITIVE_INFINITY);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThan(THREAD_TIMERS.coarseMs + BEAT_MS);
    expect([late.length, timers.size, clock.ms]).toEqual([286, 0, 4000]);
  });

  test("a stand-still is told before what is due after it, and worked off in slices", () => {
    const { clock, timers } = thread();
    const told: string[] = [];
    const kind = timers.coarse((data) => told.push(`${data}`));
    timers.onStall((ms, now) => told.push(`stalled ${ms} until ${now}`));
    for (let n = 0; n < 3 * THREAD_TIMERS.workPerTurn; n++) timers.set(5000 + n, kind, n);
    clock.ms = 100_000;
    let turns = 0;
    while (timers.turn(clock.ms)) turns++;
    expect(told[0]).toBe("stalled 100000 until 100000");
    expect(told.slice(1)).toEqual(Array.from({ length: 3 * THREAD_TIMERS.workPerTurn }, (_, n) => `${n}`));
    expect(turns).toBeGreaterThanOrEqual(3);
    clock.ms += THREAD_TIMERS.stallMs - 1;
    timers.turn(clock.ms);
    expect(told.filter((line) => line.startsWith("stalled"))).toHaveLength(1);
  });

  test("a timer that looks and waits for the rest fires as often as its wait is long, whatever is used meanwhile", () => {
    const { clock, timers, pass } = thread();
    const usedAt = new Float64Array(100);
    let looks = 0;
    const kind = timers.coarse((row, now) => {
      looks++;
      const until = (usedAt[row] as number) + 30_000;
      timers.set(now < until ? until : now + 30_000, kind, row);
    });
    for (let row = 0; row < 100; row++) timers.set(30_000, kind, row);
    pass(60_000);
    looks = 0;
    const { bytes } = timers;
    for (let second = 0; second < 300; second++) {
      pass(1000);
      usedAt.fill(clock.ms);
    }
    expect(looks).toBeWithin(900, 1200);
    expect([timers.size, timers.bytes]).toEqual([100, bytes]);
  });
});

describe("TimedCalls", () => {
  test("calls once, after its time, unless it was taken back", () => {
    const { clock, timers, pass } = thread();
    const calls = new TimedCalls(timers, clock);
    const at: number[] = [];
    calls.after(1000, () => at.push(clock.ms));
    calls.cancel(calls.after(1000, () => at.push(-1)));
    pass(3000);
    expect(at).toHaveLength(1);
    expect(at[0]).toBeWithin(1000, 1000 + THREAD_TIMERS.coarseMs + BEAT_MS);
    expect([calls.size, timers.size]).toEqual([0, 0]);
  });

  test("a handle of a call that is over takes nothing back from the next one in its place", () => {
    const { clock, timers, pass } = thread();
    const calls = new TimedCalls(timers, clock);
    const over = calls.after(0, () => {});
    pass(1000);
    let called = false;
    calls.after(1000, () => {
      called = true;
    });
    calls.cancel(over);
    calls.cancel(0);
    pass(2000);
    expect(called).toBe(true);
  });

  test("repeats at its pace until it is taken back, also from within", () => {
    const { clock, timers, pass } = thread();
    const calls = new TimedCalls(timers, clock);
    let count = 0;
    const handle = calls.every(10_000, () => {
      if (++count === 30) calls.cancel(handle);
    });
    pass(299_000);
    expect(count).toBe(29);
    pass(60_000);
    expect([count, calls.size, timers.size]).toEqual([30, 0, 0]);
  });

  test("does not make up for a stand-still", () => {
    const { clock, timers, pass } = thread();
    const calls = new TimedCalls(timers, clock);
    let count = 0;
    calls.every(1000, () => count++);
    clock.ms = 600_000;
    while (timers.turn(clock.ms));
    pass(2000);
    expect(count).toBeWithin(2, 5);
  });
});
