import { describe, expect, test } from "bun:test";
import { CLASSES, type DanmakuClass } from "@danmakud/wire";
import fc from "fast-check";
import { RateSampler } from "./rate-sampler.ts";

const code = (name: DanmakuClass) => CLASSES.indexOf(name);

/** Offers `perMs` of each class every ms; how many of each passed per second. */
function passedPerSecond(maxRate: number, offered: Partial<Record<DanmakuClass, number>>, seconds = 20) {
  const sampler = new RateSampler(maxRate, 0);
  const passed: Partial<Record<DanmakuClass, number>> = {};
  for (let now = 0; now < seconds * 1000; now++) {
    for (const [name, perMs] of Object.entries(offered) as [DanmakuClass, number][]) {
      for (let i = 0; i < perMs; i++) {
        if (sampler.passes(code(name), now)) passed[name] = (passed[name] ?? 0) + 1;
      }
    }
  }
  for (const name of CLASSES)
    if (passed[name] !== undefined) passed[name] = Math.round(passed[name] / seconds);
  return passed;
}

describe("what viewers see of a rush", () => {
  test.each([1, 3, 10, 50, 1000])("is %d per second", (maxRate) => {
    const { normal } = passedPerSecond(maxRate, { normal: 5 });
    expect(normal).toBeGreaterThanOrEqual(maxRate);
    expect(normal).toBeLessThanOrEqual(maxRate * 1.02 + 1);
  });

  test("is everything below the rate", () => {
    const sampler = new RateSampler(50, 0);
    for (let now = 0; now < 60_000; now += 20) expect(sampler.passes(code("normal"), now)).toBe(true);
  });

  test("is of the higher class first", () => {
    const rush = passedPerSecond(100, { normal: 1, member: 1, moderator: 1 });
    expect(rush.normal ?? 0).toBeLessThanOrEqual(1);
    expect(rush.member ?? 0).toBeLessThanOrEqual(1);
    expect(rush.moderator).toBeGreaterThanOrEqual(99);
  });

  test("is all of paid and system, which count towards the rate", () => {
    const rush = passedPerSecond(500, { normal: 1, paid: 1, system: 1 }, 5);
    expect(rush).toMatchObject({ paid: 1000, system: 1000 });
    expect(rush.normal ?? 0).toBeLessThanOrEqual(20);
  });
});

test("a rush of paid ones keeps the others out for a moment only", () => {
  const sampler = new RateSampler(100, 0);
  for (let i = 0; i < 10_000; i++) expect(sampler.passes(code("paid"), 0)).toBe(true);
  expect(sampler.passes(code("normal"), 0)).toBe(false);
  expect(sampler.passes(code("normal"), 500)).toBe(true);
});

test("in any stretch of time no more pass than the rate and one bucket, whatever comes and whatever the clock does", () => {
  const step = fc.record({
    forwardMs: fc.integer({ min: 0, max: 2000 }),
    count: fc.integer({ min: 0, max: 300 }),
    danmakuClass: fc.integer({ min: 0, max: code("moderator") }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.array(step, { maxLength: 30 }), (maxRate, steps) => {
      const sampler = new RateSampler(maxRate, 0);
      const burst = Math.max(1, maxRate / 4);
      let now = 0;
      let passed = 0;
      for (const { forwardMs, count, danmakuClass } of steps) {
        now += forwardMs;
        for (let i = 0; i < count; i++) if (sampler.passes(danmakuClass, now)) passed++;
        expect(passed).toBeLessThanOrEqual((now / 1000) * maxRate + burst + 1);
      }
    }),
  );
});

test("a clock that is set back stops nothing for longer than it takes to fill the bucket", () => {
  const sampler = new RateSampler(100, 1_000_000);
  while (sampler.passes(code("normal"), 1_000_000));
  expect(sampler.passes(code("normal"), 5000)).toBe(false);
  expect(sampler.passes(code("normal"), 5250)).toBe(true);
});
