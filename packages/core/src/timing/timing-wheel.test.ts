import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NO_TIMER, TIMER_BYTES, TIMING_LIMITS, type TimerHandle, TimingWheel } from "./index.ts";

const DAY_MS = 86_400_000;

/** A wheel that notes what it fires, as the data of the timers. */
function noting(now = 0, timersMax?: number) {
  const fired: number[] = [];
  const wheel = new TimingWheel({
    now,
    onFire: (_kind, data) => fired.push(data),
    ...(timersMax === undefined ? undefined : { timersMax }),
  });
  return { wheel, fired };
}

/** Advances until nothing is due any more. */
function settle(wheel: TimingWheel, now: number, workMax?: number): number {
  let calls = 1;
  while (wheel.advance(now, workMax)) calls++;
  return calls;
}

describe("a timing wheel", () => {
  test("fires at the deadline, not before, with kind, data and deadline", () => {
    const fired: number[][] = [];
    const wheel = new TimingWheel({ now: 1000, onFire: (...timer) => fired.push(timer) });
    wheel.insert(1005.5, 255, -7);
    for (const now of [1004, 1005, 1005.4]) wheel.advance(now);
    expect(fired).toEqual([]);
    wheel.advance(1005.5);
    expect(fired).toEqual([[255, -7, 1005.5]]);
    expect(wheel.size).toBe(0);
  });

  test("orders by deadline within a tick, and by insertion where deadlines are equal", () => {
    const { wheel, fired } = noting();
    [5.9, 5.1, 5.5, 5.1, 5, 5.1].forEach((deadline, i) => void wheel.insert(deadline, 0, i));
    wheel.advance(6);
    expect(fired).toEqual([4, 1, 3, 5, 2, 0]);
  });

  test("cancels in a slot and in the heap, once", () => {
    const { wheel, fired } = noting();
    const far = wheel.insert(100_000, 0, 1);
    const soon = wheel.insert(3.7, 0, 2);
    wheel.insert(3.8, 0, 3);
    wheel.advance(3.5);
    for (const handle of [far, soon]) {
      expect(wheel.isPending(handle)).toBe(true);
      expect(wheel.cancel(handle)).toBe(true);
      expect(wheel.isPending(handle)).toBe(false);
      expect(wheel.cancel(handle)).toBe(false);
    }
    settle(wheel, 200_000);
    expect(fired).toEqual([3]);
  });

  test("a handle names one life only", () => {
    const { wheel, fired } = noting();
    const first = wheel.insert(1, 0, 1);
    wheel.advance(1);
    const second = wheel.insert(2, 0, 2);
    expect(wheel.cancel(first)).toBe(false);
    expect(wheel.cancel(NO_TIMER)).toBe(false);
    expect(wheel.cancel(Number.NaN)).toBe(false);
    wheel.advance(2);
    expect(fired).toEqual([1, 2]);
    expect(wheel.cancel(second)).toBe(false);
  });

  test("a timer may insert and cancel others, also those that are due with it", () => {
    const fired: number[] = [];
    let doomed: TimerHandle = NO_TIMER;
    const wheel = new TimingWheel({
      now: 0,
      onFire: (_kind, data) => {
        fired.push(data);
        if (data !== 1) return;
        wheel.cancel(doomed);
        wheel.insert(2, 0, 3);
        wheel.insert(-50, 0, 4);
      },
    });
    wheel.insert(1, 0, 1);
    doomed = wheel.insert(1, 0, 2);
    wheel.advance(2);
    expect(fired).toEqual([1, 4, 3]);
  });

  test("a timer that throws is over, and the others are not lost", () => {
    const fired: number[] = [];
    const wheel = new TimingWheel({
      now: 0,
      onFire: (_kind, data) => {
        if (data === 1) throw new Error("planted");
        fired.push(data);
      },
    });
    wheel.insert(1, 0, 1);
    wheel.insert(1, 0, 2);
    expect(() => wheel.advance(1)).toThrow("planted");
    wheel.advance(1);
    expect(fired).toEqual([2]);
  });

  test("a full wheel takes no more, and takes again when one is gone", () => {
    const { wheel } = noting(0, 3);
    const handles = [1, 2, 3].map((deadline) => wheel.insert(deadline, 0, 0));
    expect(wheel.insert(4, 0, 0)).toBe(NO_TIMER);
    wheel.cancel(handles[1] as TimerHandle);
    expect(wheel.insert(4, 0, 0)).not.toBe(NO_TIMER);
    expect(wheel.size).toBe(3);
  });

  test("a deadline that is no time is refused", () => {
    const { wheel } = noting();
    for (const deadline of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => wheel.insert(deadline, 0, 0)).toThrow();
    }
    expect(wheel.size).toBe(0);
  });

  test("after a stall late ones come in order, in bounded slices", () => {
    const { wheel, fired } = noting();
    const timers = Array.from({ length: 20_000 }, (_, i) => ({ deadline: (i * 7919) % 300_000, data: i }));
    for (const { deadline, data } of timers) wheel.insert(deadline, 0, data);
    let most = 0;
    for (let before = 0; wheel.advance(400_000, 100); before = fired.length) {
      most = Math.max(most, fired.length - before);
    }
    expect(most).toBeLessThanOrEqual(100);
    expect(fired).toEqual(
      timers.toSorted((a, b) => a.deadline - b.deadline || a.data - b.data).map((t) => t.data),
    );
  });

  test("a clock that is set back makes timers wait for their time again, new ones before them", () => {
    const { wheel, fired } = noting(DAY_MS);
    wheel.insert(DAY_MS + 1000, 0, 1);
    wheel.advance(DAY_MS + 500);
    wheel.advance(1000);
    wheel.insert(5000, 0, 2);
    wheel.advance(4999);
    expect(fired).toEqual([]);
    expect(wheel.nextAt()).toBe(5000);
    wheel.advance(5000);
    expect(fired).toEqual([2]);
    wheel.advance(DAY_MS + 999);
    expect(fired).toEqual([2]);
    wheel.advance(DAY_MS + 1000);
    expect(fired).toEqual([2, 1]);
  });

  test("reaches beyond the coarsest wheel, by Unix time too", () => {
    const now = 1_700_000_000_000;
    const { wheel, fired } = noting(now);
    const years = [3, 1, 40].map((count) => count * 365 * DAY_MS);
    years.forEach((ms, i) => void wheel.insert(now + ms, 0, i));
    for (const at of years.toSorted((a, b) => a - b)) {
      settle(wheel, now + at - 1);
      const before = fired.length;
      settle(wheel, now + at);
      expect(fired.length).toBe(before + 1);
    }
    expect(fired).toEqual([1, 0, 2]);
  });

  test("sleeping until nextAt every time meets every deadline, and does not wake for nothing", () => {
    const { wheel, fired } = noting();
    const deadlines = [3, 70, 4100, 262_200, 1_000_000, 5 * DAY_MS, 300 * DAY_MS];
    deadlines.forEach((deadline, i) => void wheel.insert(deadline, 0, i));
    let wakes = 0;
    for (let at = wheel.nextAt(); at !== Number.POSITIVE_INFINITY; at = wheel.nextAt()) {
      const due = deadlines.findIndex((_, i) => i >= fired.length);
      expect(at).toBeLessThanOrEqual(deadlines[due] as number);
      settle(wheel, at);
      wakes++;
    }
    expect(fired).toEqual(deadlines.map((_, i) => i));
    expect(wakes).toBeLessThan(deadlines.length * 12);
  });

  test("a million timers take at most 64 bytes each", () => {
    const { wheel } = noting();
    for (let i = 0; i < 1_000_000; i++) wheel.insert(1 + ((i * 7919) % 60_000), 0, i);
    expect(wheel.bytes / wheel.size).toBeLessThanOrEqual(64);
    expect(TIMER_BYTES).toBe(32);
  });

  test("a coarse slot moves inwards before its time, so entering it is no burst", () => {
    const { wheel } = noting();
    const rush = 100_000;
    for (let i = 0; i < rush; i++) wheel.insert(20_000 + (i % 4000), 0, i);
    let calls = 0;
    for (let now = 1; now < 24_100; now++) calls += settle(wheel, now) - 1;
    expect(wheel.size).toBe(0);
    expect(rush).toBeGreaterThan(10 * TIMING_LIMITS.workPerAdvance);
    expect(calls).toBe(0);
  });
});

/** What a wheel has to do, done with a sorted list. */
class Model {
  timers: { deadline: number; order: number; data: number }[] = [];
  #order = 0;

  insert(deadline: number, data: number): void {
    this.timers.push({ deadline, order: this.#order++, data });
    this.timers.sort((a, b) => a.deadline - b.deadline || a.order - b.order);
  }

  cancel(data: number): boolean {
    const at = this.timers.findIndex((timer) => timer.data === data);
    if (at >= 0) this.timers.splice(at, 1);
    return at >= 0;
  }

  /** The next one due at `now`. */
  next(now: number): number | undefined {
    const first = this.timers[0];
    if (first === undefined || first.deadline > now) return undefined;
    this.timers.shift();
    return first.data;
  }
}

/** Spans of time as they come in a server: within a tick, a block, a wheel, beyond all wheels. */
const spanMs = fc.oneof(
  fc.integer({ min: 0, max: 8 }).map((quarter) => quarter / 4),
  fc.integer({ min: 0, max: 200 }),
  fc.integer({ min: 0, max: 10_000 }),
  fc.integer({ min: 0, max: 20 * 60_000 }),
  fc.integer({ min: 0, max: 60 * DAY_MS }),
);
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("insert" as const), ms: spanMs }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("insert" as const), ms: spanMs.map((ms) => -ms) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel" as const), which: fc.nat(1000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("advance" as const),
      ms: spanMs,
      work: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("back" as const), ms: spanMs }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("sleep" as const) }) },
);

describe("against a sorted list", () => {
  test("any sequence of operations fires the same timers in the same order", () => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 120, size: "max" }),
        fc.constantFrom(0, 63, 4095.5, 2 ** 31 - 5, 2 ** 32 - 3, 1_700_000_000_123),
        (operations, start) => {
          const model = new Model();
          const handles: TimerHandle[] = [];
          let now = start;
          let data = 0;
          const insert = (deadline: number): void => {
            model.insert(deadline, data++);
            handles.push(wheel.insert(deadline, 1, data - 1));
          };
          const wheel: TimingWheel = new TimingWheel({
            now,
            onFire: (_kind, given, deadline) => {
              expect(deadline).toBeLessThanOrEqual(now);
              expect(given).toBe(model.next(now) as number);
              // Some timers set others, due at once or later.
              if (given % 7 === 3) insert(deadline + (given % 5) * 16);
              if (given % 11 === 5)
                expect(wheel.cancel(handles[given - 1] as TimerHandle)).toBe(model.cancel(given - 1));
            },
          });
          const settled = (): void => {
            expect(model.timers.length === 0 || (model.timers[0]?.deadline as number) > now).toBe(true);
          };
          for (const step of operations) {
            if (step.kind === "insert") insert(now + step.ms);
            else if (step.kind === "cancel") {
              const which = step.which % Math.max(1, handles.length);
              expect(wheel.cancel(handles[which] ?? NO_TIMER)).toBe(model.cancel(which));
            } else if (step.kind === "advance") {
              now += step.ms;
              // Once with little work, and whatever else may happen before the rest is done.
              if (!wheel.advance(now, step.work)) settled();
            } else if (step.kind === "back") now = Math.max(0, now - step.ms);
            else {
              settle(wheel, now);
              settled();
              const next = wheel.nextAt();
              expect(next).toBeLessThanOrEqual(model.timers[0]?.deadline ?? Number.POSITIVE_INFINITY);
              if (next !== Number.POSITIVE_INFINITY && next > now) now = next;
            }
            expect(wheel.size).toBe(model.timers.length);
          }
          now += 400 * DAY_MS;
          settle(wheel, now, 7);
          expect(model.timers).toEqual([]);
          expect(wheel.size).toBe(0);
          expect(wheel.nextAt()).toBe(Number.POSITIVE_INFINITY);
        },
      ),
      { numRuns: 1000 },
    );
  }, 60_000);
});
