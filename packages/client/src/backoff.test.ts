import { expect, test } from "bun:test";
import fc from "fast-check";
import { backoffMs, serverWaitMs } from "./backoff.ts";
import { BACKOFF_BASE_MS, BACKOFF_MAX_MS, RETRY_AFTER_MAX_MS } from "./limits.ts";

test("the wait is anywhere below a bound that doubles up to its maximum", () => {
  const almostOne = 1 - Number.EPSILON;
  expect([0, 1, 2, 3].map((attempt) => backoffMs(attempt, almostOne))).toEqual(
    [1, 2, 4, 8].map((factor) => factor * BACKOFF_BASE_MS),
  );
  expect(backoffMs(1000, almostOne)).toBe(BACKOFF_MAX_MS);
  expect(backoffMs(1000, 0)).toBe(0);
});

test.each([
  ['{"retryAfterMs":1500}', 1500],
  ['{"retryAfterMs":0}', 0],
  ['{"retryAfterMs":1e99}', RETRY_AFTER_MAX_MS],
  ['{"retryAfterMs":-1}', undefined],
  ['{"retryAfterMs":"1"}', undefined],
  ['{"retryAfterMs":', undefined],
  ["null", undefined],
  ["", undefined],
])("a close reason of %j asks for %p", (reason, wait) => {
  expect(serverWaitMs(reason)).toBe(wait);
});

test("any close reason is understood or ignored", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (reason) => void serverWaitMs(reason)));
});
