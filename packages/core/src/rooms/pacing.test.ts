import { describe, expect, test } from "bun:test";
import { Pacing } from "./pacing.ts";

describe("Pacing", () => {
  test("a small room goes out at once", () => {
    const pacing = new Pacing();
    expect(pacing.isSmall(150)).toBe(true);
    expect(pacing.nextAt(150, 100, 101)).toBe(101);
  });

  test("a large one begins its passes at the target's distance", () => {
    const pacing = new Pacing({ latencyTargetMs: 20 });
    expect(pacing.isSmall(2000)).toBe(false);
    expect(pacing.nextAt(2000, 100, 112)).toBe(120);
    expect(new Pacing({ latencyTargetMs: 40 }).nextAt(2000, 100, 112)).toBe(140);
  });

  test("one of middling size waits in proportion to its pass, whatever the target", () => {
    expect(new Pacing({ latencyTargetMs: 40 }).nextAt(500, 100, 103)).toBeCloseTo(112);
  });

  test("a pass that leaves less of the target leaves a breath for others", () => {
    const pacing = new Pacing({ latencyTargetMs: 20 });
    expect(pacing.nextAt(2000, 100, 118)).toBeCloseTo(121);
    expect(pacing.nextAt(15_000, 100, 190)).toBeCloseTo(212.5);
  });

  test("learns what a send costs, and is not thrown by a single outlier", () => {
    const pacing = new Pacing({ latencyTargetMs: 1000 });
    const distance = () => pacing.nextAt(250, 0, 0);
    for (let i = 0; i < 200; i++) pacing.observe(100, 2);
    expect(distance()).toBeCloseTo(20, 0);
    const before = distance();
    pacing.observe(3, 0.1);
    expect(distance()).toBe(before);
    pacing.observe(100, 1000);
    expect(distance()).toBeLessThan(before * 1.5);
  });

  test("learns from the few sends of a turn whose frames are long", () => {
    const pacing = new Pacing({ latencyTargetMs: 1000 });
    for (let i = 0; i < 200; i++) pacing.observe(5, 0.3);
    expect(pacing.nextAt(250, 0, 0)).toBeCloseTo(60, 0);
  });
});
