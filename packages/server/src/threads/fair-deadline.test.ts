import { expect, test } from "bun:test";
import { FairDeadline } from "./fair-deadline.ts";

const LIMIT_MS = 1000;
const TICK_MS = 100;

/** After how many looks it has passed, `TICK_MS` apart; in each of them the other waited for `waitedMs`. */
function looksUntilPassed(waitedMs: number, tickMs = TICK_MS): number {
  let nowMs = 5000;
  let waited = 70;
  const deadline = new FairDeadline(LIMIT_MS, nowMs, () => waited);
  for (let looks = 1; looks < 1000; looks++) {
    nowMs += tickMs;
    waited += waitedMs;
    if (deadline.hasPassed(nowMs)) return looks;
  }
  return Number.POSITIVE_INFINITY;
}

test("it passes in its time for somebody who could run", () => {
  expect(looksUntilPassed(0)).toBe(10);
});

test("the time in which it got no processor does not count", () => {
  expect(looksUntilPassed(75)).toBe(40);
  expect(looksUntilPassed(TICK_MS)).toBe(Number.POSITIVE_INFINITY);
});

test("a long wait that is told of at its end is given back whole", () => {
  let waited = 0;
  const deadline = new FairDeadline(LIMIT_MS, 0, () => waited);
  for (let nowMs = TICK_MS; nowMs <= 900; nowMs += TICK_MS) expect(deadline.hasPassed(nowMs)).toBe(false);
  waited = 900;
  for (let nowMs = 1000; nowMs <= 1800; nowMs += TICK_MS) expect(deadline.hasPassed(nowMs)).toBe(false);
  expect(deadline.hasPassed(1900)).toBe(true);
});

test("nor does that in which nobody looked", () => {
  expect(looksUntilPassed(0, 60_000)).toBe(5);
});
