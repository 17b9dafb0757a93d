import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { collide, type Flight, flightX, startBehind } from "./flight.ts";
import { Lanes } from "./lanes.ts";

const WIDTH = 1000;
const GAP = 20;

/** A flight as stages make them, by kind: left, right, still. */
function flight(kind: number, widthPx: number, stayMs: number, startMs: number): Flight {
  const velocity = (WIDTH + widthPx) / stayMs;
  const endMs = startMs + stayMs;
  if (kind === 0) return { startMs, endMs, startX: WIDTH, velocity: -velocity, widthPx };
  if (kind === 1) return { startMs, endMs, startX: -widthPx, velocity, widthPx };
  return { startMs, endMs, startX: (WIDTH - widthPx) / 2, velocity: 0, widthPx };
}

const anyFlight = fc
  .tuple(
    fc.nat(2),
    fc.integer({ min: 10, max: 1500 }),
    fc.integer({ min: 1000, max: 12_000 }),
    fc.integer({ min: 0, max: 8000 }),
  )
  .map((parts) => flight(...parts));

/** Whether two flights come too close, looked for step by step: slower than `collide`, and made differently. */
function meet(a: Flight, b: Flight): boolean {
  const from = Math.max(a.startMs, b.startMs);
  const to = Math.min(a.endMs, b.endMs);
  for (let step = 0; step <= 400; step++) {
    const at = from + ((to - from) * step) / 400;
    const [ax, bx] = [flightX(a, at), flightX(b, at)];
    if (from < to && ax < bx + b.widthPx + GAP - 1e-6 && bx < ax + a.widthPx + GAP - 1e-6) return true;
  }
  return false;
}

describe("collide", () => {
  test("finds every meeting that looking step by step finds, in either order", () => {
    fc.assert(
      fc.property(anyFlight, anyFlight, (a, b) => {
        if (meet(a, b)) expect(collide(a, b, GAP)).toBe(true);
        expect(collide(a, b, GAP)).toBe(collide(b, a, GAP));
      }),
      { numRuns: 500 },
    );
  });

  test("a faster one behind a slower one collides exactly when it catches up", () => {
    const slow = flight(0, 100, 10_000, 0);
    expect(collide(slow, flight(0, 1500, 10_000, 1500), GAP)).toBe(true);
    expect(collide(slow, flight(0, 1500, 10_000, 7000), GAP)).toBe(false);
  });
});

describe("startBehind", () => {
  test("gives a start at which nothing touches, and at most a hair after the earliest one", () => {
    fc.assert(
      fc.property(anyFlight, anyFlight, (other, mine) => {
        const shifted = (startMs: number): Flight => ({
          ...mine,
          startMs,
          endMs: startMs + mine.endMs - mine.startMs,
        });
        const startMs = startBehind(other, mine, GAP);
        expect(startMs).toBeLessThanOrEqual(other.endMs);
        if (startMs < other.startMs) return; // it is behind already
        expect(collide(other, shifted(startMs), GAP)).toBe(false);
        expect(meet(other, shifted(startMs))).toBe(false);
        if (startMs > other.startMs + 2 && startMs < other.endMs)
          expect(collide(other, shifted(startMs - 2), GAP)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("lanes", () => {
  const search = (count: number, span = 1) => ({ span, first: 0, last: count - 1, fromBottom: false });

  test("nothing that was booked ever touches, whatever came in whatever order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyFlight, fc.integer({ min: 1, max: 3 }), fc.nat(3000)), { maxLength: 60 }),
        fc.integer({ min: 3, max: 6 }),
        (all, count) => {
          const lanes = new Lanes();
          lanes.reset(count, GAP);
          const booked: { flight: Flight; lane: number; span: number }[] = [];
          for (const [flight, span, delayMs] of all) {
            const askedMs = flight.startMs;
            const lane = lanes.book(flight, search(count, span), delayMs);
            if (lane < 0) continue;
            expect(flight.startMs - askedMs).toBeLessThanOrEqual(delayMs);
            expect(lane + span).toBeLessThanOrEqual(count);
            booked.push({ flight, lane, span });
          }
          for (const [at, a] of booked.entries())
            for (const b of booked.slice(0, at))
              if (a.lane < b.lane + b.span && b.lane < a.lane + a.span)
                expect(meet(a.flight, b.flight)).toBe(false);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("without a bound on the delay there is always room", () => {
    const lanes = new Lanes();
    lanes.reset(1, GAP);
    for (let n = 0; n < 30; n++)
      expect(lanes.book(flight(n % 3, 100 + n * 40, 8000, n * 10), search(1), Number.MAX_VALUE)).toBe(0);
  });

  test("places from the top, or from the bottom, in the first free lane", () => {
    const lanes = new Lanes();
    lanes.reset(4, GAP);
    const still = () => flight(2, 100, 4000, 0);
    expect(lanes.book(still(), search(4), 0)).toBe(0);
    expect(lanes.book(still(), search(4), 0)).toBe(1);
    expect(lanes.book(still(), { ...search(4), fromBottom: true }, 0)).toBe(3);
    expect(lanes.book(still(), search(4), 0)).toBe(2);
    expect(lanes.book(still(), search(4), 0)).toBe(-1);
    lanes.sweep(4000);
    expect(lanes.book(flight(2, 100, 4000, 4000), search(4), 0)).toBe(0);
  });

  test("squeezes where fewest are covered", () => {
    const lanes = new Lanes();
    lanes.reset(2, GAP);
    for (const lane of [0, 0, 1]) lanes.take(flight(2, 100, 4000, 0), lane, 1);
    expect(lanes.squeeze(flight(2, 50, 4000, 0), search(2))).toBe(1);
  });
});
