import { describe, expect, test } from "bun:test";
import type { HelloRecord } from "@danmakud/wire";
import { OffsetCoverage, type ViewerStart } from "./offset-coverage.ts";

function hello(head: number, resumed = false, epoch = "e1"): HelloRecord {
  return { type: "hello", room: "r", epoch, head, resumed, uid: "u", serverTime: 0 };
}

function connected(head: number, start: ViewerStart = { kind: "head" }, resumed = false): OffsetCoverage {
  const coverage = new OffsetCoverage();
  coverage.connecting(start);
  coverage.hello(hello(head, resumed));
  return coverage;
}

function gap(from: number, to: number) {
  return { type: "gap", from, to, reason: "lost" } as const;
}

describe("a kept promise is no fault", () => {
  test("records and gaps in one unbroken row", () => {
    const coverage = connected(4);
    coverage.record(5, 100);
    coverage.gap(gap(6, 9));
    coverage.record(10, 100);
    expect(coverage.faults).toEqual([]);
    expect(coverage.position).toBe(10);
  });

  test("any start for `last`, unbroken from there", () => {
    const coverage = connected(9, { kind: "last", records: 3 });
    for (const offset of [7, 8, 9, 10]) coverage.record(offset, offset);
    expect(coverage.faults).toEqual([]);
  });

  test("a late viewer that resumes from the very start", () => {
    const coverage = connected(9, { kind: "resume", epoch: "e1", after: 0 }, true);
    coverage.record(1, 1);
    expect(coverage.faults).toEqual([]);
    expect(coverage.resumes).toBe(0);
  });

  test("a resume goes on where the connection ended", () => {
    const coverage = connected(4);
    coverage.record(5, 1);
    coverage.connecting({ kind: "resume", epoch: "e1", after: 5 });
    coverage.hello(hello(8, true));
    coverage.gap(gap(6, 8));
    coverage.record(9, 2);
    expect(coverage.faults).toEqual([]);
    expect(coverage.resumes).toBe(1);
  });

  test("a new epoch on the open connection starts anew", () => {
    const coverage = connected(4);
    coverage.hello(hello(100, false, "e2"));
    coverage.record(101, 1);
    expect(coverage.faults).toEqual([]);
    expect(coverage.resets).toBe(1);
  });
});

describe("a broken promise is a fault", () => {
  const cases: [string, (coverage: OffsetCoverage) => void, RegExp][] = [
    ["a silent hole", (c) => c.record(6, 1), /silent hole/],
    ["a hole before a gap", (c) => c.gap(gap(6, 7)), /was due/],
    ["a danmaku twice", (c) => [c.record(5, 1), c.record(5, 1)], /again or late/],
    ["a gap over what was delivered", (c) => [c.record(5, 1), c.gap(gap(5, 6))], /was due/],
    ["a gap upside down", (c) => c.gap(gap(5, 4)), /upside down/],
    ["time that goes back", (c) => [c.record(5, 2), c.record(6, 1)], /went back/],
    ["a second hello in one epoch", (c) => c.hello(hello(4)), /second hello/],
    [
      "a resume nobody asked for",
      (c) => [c.connecting({ kind: "head" }), c.hello(hello(4, true))],
      /no resume was asked/,
    ],
    [
      "a refused resume within the epoch",
      (c) => [c.connecting({ kind: "resume", epoch: "e1", after: 4 }), c.hello(hello(4))],
      /refused/,
    ],
    [
      "a resume of a foreign epoch",
      (c) => [c.connecting({ kind: "resume", epoch: "zz", after: 4 }), c.hello(hello(4, true))],
      /not the server's/,
    ],
  ];
  test.each(cases)("%s", (_name, breakIt, fault) => {
    const coverage = connected(4);
    breakIt(coverage);
    expect(coverage.faults.join()).toMatch(fault);
  });

  test("anything before hello", () => {
    const coverage = new OffsetCoverage();
    coverage.connecting({ kind: "head" });
    coverage.record(1, 1);
    expect(coverage.faults.join()).toMatch(/before hello/);
  });
});
