import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SlidingWindow } from "./sliding-window.ts";

const NOW = 1_700_000_000_000;

describe("SlidingWindow", () => {
  test("20 per 5 s and not one more, then one for each that leaves the window", () => {
    const window = new SlidingWindow();
    for (let i = 0; i < 20; i++) expect(window.take("u1", NOW + i * 10)).toBe(0);
    expect(window.take("u1", NOW + 200)).toBe(4800);
    expect(window.take("u1", NOW + 4999)).toBe(1);
    expect(window.take("u1", NOW + 5000)).toBe(0);
    expect(window.take("u1", NOW + 5000)).toBe(10);
    expect(window.take("u2", NOW + 5000)).toBe(0);
  });

  test("refused attempts do not count", () => {
    const window = new SlidingWindow({ eventsMax: 1, windowMs: 100 });
    expect(window.take("u1", NOW)).toBe(0);
    for (let i = 0; i < 50; i++) expect(window.take("u1", NOW + 50)).toBe(50);
    expect(window.take("u1", NOW + 100)).toBe(0);
  });

  test("any stretch of the window holds at most the limit, and what is refused would have broken it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 80 }),
        (eventsMax, gaps) => {
          const window = new SlidingWindow({ eventsMax, windowMs: 100 });
          const accepted: number[] = [];
          let now = NOW;
          for (const gap of gaps) {
            now += gap;
            const recent = accepted.filter((at) => now - at < 100);
            const wait = window.take("u", now);
            expect(wait === 0).toBe(recent.length < eventsMax);
            if (wait === 0) accepted.push(now);
            else expect(wait).toBe((recent[0] ?? 0) + 100 - now);
          }
        },
      ),
    );
  });

  test("quiet users are forgotten by later calls", () => {
    const window = new SlidingWindow();
    for (let i = 0; i < 1000; i++) window.take(`u${i}`, NOW);
    expect(window.size).toBe(1000);
    for (let i = 0; i < 600; i++) window.take("other", NOW + 6000 + i * 300);
    expect(window.size).toBe(1);
    expect(window.forgotten).toBe(0);
  });

  test("the table is bounded; who is pushed out is counted", () => {
    const window = new SlidingWindow({ keysMax: 100 });
    for (let i = 0; i < 1000; i++) expect(window.take(`u${i}`, NOW)).toBe(0);
    expect(window.size).toBe(100);
    expect(window.forgotten).toBe(900);
  });

  test("a clock that is set back does not lock a user out", () => {
    const window = new SlidingWindow({ eventsMax: 2 });
    window.take("u1", NOW);
    window.take("u1", NOW);
    expect(window.take("u1", NOW)).toBe(5000);
    expect(window.take("u1", NOW - 3_600_000)).toBe(0);
  });
});
