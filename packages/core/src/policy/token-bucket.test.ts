import { describe, expect, test } from "bun:test";
import { CONNECTION_LIMIT } from "./limits.ts";
import { TokenBuckets } from "./token-bucket.ts";

const NOW = 1_700_000_000_000;

/** Messages that pass of `count` sent one by one at `now`. */
function passed(buckets: TokenBuckets, connection: number, count: number, now: number): number {
  let passes = 0;
  for (let i = 0; i < count; i++) if (buckets.take(connection, 1, now) === 0) passes++;
  return passes;
}

describe("TokenBuckets", () => {
  test("a burst passes in full, one more does not", () => {
    const buckets = new TokenBuckets(CONNECTION_LIMIT);
    buckets.reset(0);
    expect(passed(buckets, 0, 500, NOW)).toBe(500);
    expect(buckets.take(0, 1, NOW)).toBe(2);
  });

  test("what is taken comes back at the rate, and the wait that was told is enough", () => {
    const buckets = new TokenBuckets(CONNECTION_LIMIT);
    expect(passed(buckets, 0, 500, NOW)).toBe(500);
    const wait = buckets.take(0, 1, NOW);
    expect(buckets.take(0, 1, NOW + wait - 1)).toBeGreaterThan(0);
    expect(buckets.take(0, 1, NOW + wait)).toBe(0);
    expect(passed(buckets, 0, 1000, NOW + wait + 100)).toBe(50);
    expect(passed(buckets, 0, 1000, NOW + 60_000)).toBe(500);
  });

  test("connections do not share a bucket, and a reused number starts full", () => {
    const buckets = new TokenBuckets({ perSecond: 10, burst: 3 });
    expect(passed(buckets, 7, 5, NOW)).toBe(3);
    expect(passed(buckets, 5000, 5, NOW)).toBe(3);
    expect(passed(buckets, 7, 1, NOW)).toBe(0);
    buckets.reset(7);
    expect(passed(buckets, 7, 5, NOW)).toBe(3);
  });

  test("several tokens are taken all or none", () => {
    const buckets = new TokenBuckets({ perSecond: 10, burst: 10 });
    expect(buckets.take(0, 11, NOW)).toBe(Number.POSITIVE_INFINITY);
    expect(buckets.take(0, 6, NOW)).toBe(0);
    expect(buckets.take(0, 5, NOW)).toBe(100);
    expect(buckets.take(0, 4, NOW)).toBe(0);
  });

  test("a clock that is set back costs at most an empty bucket", () => {
    const buckets = new TokenBuckets({ perSecond: 10, burst: 10 });
    expect(passed(buckets, 0, 10, NOW)).toBe(10);
    expect(buckets.take(0, 1, NOW - 3_600_000)).toBe(100);
    expect(passed(buckets, 0, 10, NOW - 3_600_000 + 1000)).toBe(0);
    buckets.reset(0);
    expect(passed(buckets, 0, 11, NOW - 3_600_000)).toBe(10);
  });

  test("numbers out of range are our own mistake", () => {
    expect(() => new TokenBuckets({ perSecond: 0, burst: 1 })).toThrow(RangeError);
    expect(() => new TokenBuckets(CONNECTION_LIMIT).take(2 ** 31, 1, NOW)).toThrow(RangeError);
  });
});
