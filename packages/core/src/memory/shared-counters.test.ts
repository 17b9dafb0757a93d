import { expect, test } from "bun:test";
import { createCounters, SharedCounters } from "./shared-counters.ts";

const NAMES = ["accepted", "dropped", "online"] as const;

test("each thread counts for itself, the sum is everybody's", () => {
  const buffer = createCounters(NAMES, 3);
  const here = new SharedCounters(buffer, NAMES);
  const there = new SharedCounters(buffer, NAMES);
  here.add(0, "accepted");
  here.add(0, "accepted", 41);
  there.add(2, "accepted", 2 ** 40);
  there.set(1, "online", 7);
  there.set(1, "online", 5);
  expect(here.get(0, "accepted")).toBe(42);
  expect(here.sum("accepted")).toBe(42 + 2 ** 40);
  expect(here.read()).toEqual({ accepted: 42 + 2 ** 40, dropped: 0, online: 5 });
  expect(here.threads).toBe(3);
});

test("more names than fit one line, and none", () => {
  const names = Array.from({ length: 40 }, (_, i) => `name${i}`);
  const counters = new SharedCounters(createCounters(names, 2), names);
  for (const [i, name] of names.entries()) counters.add(1, name, i);
  expect(Object.values(counters.read())).toEqual(names.map((_, i) => i));
  expect(new SharedCounters(createCounters([], 4), []).read()).toEqual({});
});
