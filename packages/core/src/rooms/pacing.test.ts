import { describe, expect, test } from "bun:test";
import { Pacing } from "./pacing.ts";

describe("Pacing", () => {
  test("a small room goes out at once", () => {
    expect(new Pacing().gatherMs(1)).toBe(0);
    expect(new Pacing().gatherMs(150)).toBe(0);
  });

  test("a larger one gathers for as long as its pass takes, within the target", () => {
    const pacing = new Pacing({ latencyTargetMs: 20 });
    expect(pacing.gatherMs(1000)).toBeCloseTo(6);
    expect(pacing.gatherMs(2000)).toBeCloseTo(8);
  });

  test("a pass beyond the target still leaves time for others", () => {
    expect(new Pacing({ latencyTargetMs: 20 }).gatherMs(15_000)).toBeCloseTo(22.5);
  });

  test("learns what a send costs, and is not thrown by a single outlier", () => {
    const pacing = new Pacing();
    for (let i = 0; i < 200; i++) pacing.observe(100, 2);
    expect(pacing.gatherMs(250)).toBeCloseTo(5, 0);
    const before = pacing.gatherMs(250);
    pacing.observe(100, 1000);
    expect(pacing.gatherMs(250)).toBeLessThan(before * 1.5);
    pacing.observe(3, 1000);
    expect(pacing.gatherMs(250)).toBeLessThan(before * 1.5);
  });
});
