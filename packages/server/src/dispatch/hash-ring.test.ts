import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { assignSlots } from "./hash-ring.ts";

const SLOTS = 1024;
const workersArbitrary = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,20}$/), {
  minLength: 1,
  maxLength: 24,
});

describe("the ring", () => {
  test("gives every slot to a worker of the list, the same from any order of the list", () => {
    fc.assert(
      fc.property(workersArbitrary, (workers) => {
        const owners = assignSlots(workers, SLOTS);
        expect(owners).toHaveLength(SLOTS);
        for (const owner of owners) expect(workers).toContain(owner as string);
        expect(assignSlots(workers.toReversed(), SLOTS)).toEqual(owners);
      }),
      { numRuns: 40 },
    );
  });

  test("has no owners without workers", () => {
    expect(new Set(assignSlots([], SLOTS))).toEqual(new Set([undefined]));
  });

  test("moves slots to a new worker only, about 1/n of them", () => {
    fc.assert(
      fc.property(workersArbitrary, (workers) => {
        const before = assignSlots(workers, SLOTS);
        const after = assignSlots([...workers, "NEW"], SLOTS);
        let moved = 0;
        for (const [slot, owner] of after.entries()) {
          if (owner === before[slot]) continue;
          expect(owner).toBe("NEW");
          moved++;
        }
        const fair = SLOTS / (workers.length + 1);
        // 128 places each: the share's deviation is about a tenth; five of those, and the slots' own chance.
        expect(Math.abs(moved - fair)).toBeLessThan(0.5 * fair + 5 * Math.sqrt(fair));
      }),
      { numRuns: 60 },
    );
  });

  test("leaves the others alone when a worker goes", () => {
    fc.assert(
      fc.property(workersArbitrary, fc.nat(), (workers, pick) => {
        const gone = workers[pick % workers.length];
        const before = assignSlots(workers, SLOTS);
        const after = assignSlots(
          workers.filter((worker) => worker !== gone),
          SLOTS,
        );
        for (const [slot, owner] of before.entries()) if (owner !== gone) expect(after[slot]).toBe(owner);
      }),
      { numRuns: 40 },
    );
  });

  test("shares are fair: with four workers none has less than half or more than twice its part", () => {
    const counts = new Map<string, number>();
    for (const owner of assignSlots(["a-1", "a-2", "a-3", "a-4"], SLOTS)) {
      counts.set(owner as string, (counts.get(owner as string) ?? 0) + 1);
    }
    for (const count of counts.values()) {
      expect(count).toBeGreaterThan(SLOTS / 8);
      expect(count).toBeLessThan(SLOTS / 2);
    }
    expect(counts.size).toBe(4);
  });
});
