import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Clock } from "./clock.ts";
import { TIMELINE_MAX } from "./limits.ts";
import { Timeline } from "./timeline.ts";
import type { Comment } from "./types.ts";

const at = (timeMs: number, offset = 0): Comment => ({ content: `at ${timeMs}`, timeMs, offset });

describe("a timeline", () => {
  test("hands over every comment once, in order of time, whatever the order it was given", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000)), fc.array(fc.nat(3000)), (times, steps) => {
        const timeline = new Timeline();
        timeline.load(times.map((timeMs) => at(timeMs)));
        const taken: Comment[] = [];
        let nowMs = -1;
        for (const step of [...steps, 20_000]) {
          nowMs += step;
          taken.push(...timeline.take(nowMs));
        }
        expect(taken.map(({ timeMs }) => timeMs)).toEqual(times.toSorted((a, b) => a - b));
        expect(timeline.nextMs).toBe(Number.POSITIVE_INFINITY);
      }),
    );
  });

  test("goes on after a seek with what comes later", () => {
    const timeline = new Timeline();
    timeline.load([at(100), at(200), at(200), at(300)]);
    timeline.seek(200);
    expect(timeline.nextMs).toBe(300);
    timeline.seek(0);
    expect(timeline.take(250).length).toBe(3);
    expect(timeline.between(100, 300, 10).length).toBe(3);
    expect(timeline.between(0, 300, 2).map(({ timeMs }) => timeMs)).toEqual([200, 300]);
  });

  test("takes insertions and removals without losing its place", () => {
    const timeline = new Timeline();
    timeline.load([at(100, 1), at(200, 2), at(300, 3)]);
    timeline.take(200);
    timeline.insert(at(150, 4));
    timeline.insert(at(250, 5));
    timeline.remove(({ offset }) => offset === 1 || offset === 3);
    expect(timeline.take(1000).map(({ offset }) => offset)).toEqual([5]);
    expect(timeline.size).toBe(3);
  });

  test("is bounded", () => {
    const timeline = new Timeline();
    expect(timeline.load(Array.from({ length: TIMELINE_MAX + 3 }, () => at(1)))).toBe(3);
    expect(timeline.insert(at(2))).toBe(false);
  });
});

describe("the clock", () => {
  test("runs at its rate, stands while paused", () => {
    const clock = new Clock();
    clock.set(0, 1000);
    expect(clock.now(1500)).toBe(500);
    clock.follow(500, 2, true, 1500);
    expect(clock.now(2000)).toBe(1500);
    clock.run(false, 2000);
    expect(clock.now(9000)).toBe(1500);
    expect(clock.speed).toBe(0);
    clock.run(true, 9000);
    expect(clock.now(9100)).toBe(1700);
  });

  test("makes small drift good without a jump and without going back; reports large ones", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -300, max: 300 }), { maxLength: 20 }), (drifts) => {
        const clock = new Clock();
        clock.set(0, 0);
        let wallMs = 0;
        let before = 0;
        for (const drift of drifts) {
          expect(clock.follow(wallMs + drift, 1, true, wallMs)).toBe(Math.abs(wallMs + drift - before) > 400);
          for (let frame = 0; frame < 15; frame++) {
            wallMs += 16;
            const now = clock.now(wallMs);
            if (frame > 0) expect(now).toBeGreaterThanOrEqual(before);
            before = now;
          }
        }
      }),
    );
    const clock = new Clock();
    clock.set(0, 0);
    clock.follow(150, 1, true, 0);
    expect(clock.now(0)).toBe(0);
    expect(clock.now(1500)).toBeCloseTo(1650, 6);
    expect(clock.follow(60_000, 1, true, 1500)).toBe(true);
    expect(clock.now(1500)).toBe(60_000);
  });
});
