import { expect, test } from "bun:test";
import fc from "fast-check";
import { SortedNames } from "./sorted-names.ts";

test("any additions and deletions give the pages that a sorted list would", () => {
  const name = fc.integer({ min: 0, max: 3000 }).map((number) => number.toString(36));
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant("add" as const), name }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), name }) },
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 4000, size: "max" }),
      name,
      fc.nat(1000),
      (steps, after, limit) => {
        const names = new SortedNames();
        const model = new Set<string>();
        for (const { do: what, name } of steps) {
          names[what](name);
          model[what](name);
        }
        const sorted = [...model].sort();
        expect(names.size).toBe(sorted.length);
        expect(names.after("", sorted.length + 1)).toEqual(sorted);
        expect(names.after(after, limit)).toEqual(sorted.filter((other) => other > after).slice(0, limit));
      },
    ),
    { numRuns: 50 },
  );
});

test("a hundred thousand names, added in a bad order and taken out again", () => {
  const names = new SortedNames();
  const all = Array.from({ length: 100_000 }, (_, i) => `room-${(i * 7919) % 100_000}`);
  for (const name of all) names.add(name);
  const sorted = all.toSorted();
  const paged: string[] = [];
  for (let page = names.after("", 999); page.length > 0; page = names.after(page.at(-1) ?? "", 999)) {
    paged.push(...page);
  }
  expect(paged).toEqual(sorted);
  for (const name of all) names.delete(name);
  expect([names.size, names.after("", 10)]).toEqual([0, []]);
});
