/** A shared log that has lost what was given out: nobody goes on as if it had not. */
import { describe, expect, test } from "bun:test";
import { SHARED_LIMITS } from "./shared-limits.ts";
import { Bench, records } from "./shared-stream.fixture.ts";

describe("a log that lost its tail", () => {
  const BURNED = 1_000_000;

  test("and gave what was shown here to another danmaku is told so, and nothing of it is shown before its answer", () => {
    const bench = new Bench();
    bench.message(1, ["a", "b", "lost"]);
    expect(bench.turn()).toEqual(["7: 1 a", "7: 2 b", "7: 3 lost"]);
    // Another node wrote first, and knew of no loss: it had not seen the third.
    bench.message(3 + BURNED, ["c"], { base: 2 });
    bench.message(4 + BURNED, ["d"]);
    expect(bench.turn()).toEqual([]);
    expect(bench.claims).toMatchObject([{ epoch: "e1", head: 3 }]);
    bench.claimed("e2", 4 + 2 * BURNED);
    expect(bench.turn()).toEqual(["closed 7"]);
    bench.message(5 + 2 * BURNED, ["e"], { epoch: "e2" });
    expect(bench.turn()).toEqual([`8: ${5 + 2 * BURNED} e`]);
    expect(bench.turn(10_000)).toEqual([]);
    expect(bench.claims).toEqual([]);
  });

  test("is asked again where it does not answer", () => {
    const bench = new Bench();
    bench.message(1, ["lost"]);
    bench.message(1 + BURNED, ["b"], { base: 0 });
    bench.turn();
    bench.claims.shift()?.onDone(new Error("away"));
    expect(bench.failures).toEqual(["away"]);
    bench.turn(SHARED_LIMITS.retryMsMax);
    bench.claimed("e2", 1 + 2 * BURNED);
    expect(bench.turn()).toEqual(["closed 7"]);
  });

  test("and does not know of it any more is believed: what comes after the burned stretch is shown", () => {
    const bench = new Bench();
    bench.message(1, ["lost"]);
    bench.message(1 + BURNED, ["b"], { base: 0 });
    bench.turn();
    bench.claimed("e1", 1 + BURNED);
    expect(bench.turn()).toEqual(["closed 7", `8: ${1 + BURNED} b`]);
    expect(bench.turn(10_000)).toEqual([]);
    expect(bench.claims).toEqual([]);
  });

  test("and does not know of what waited to be shown is believed too, and asked no more often than that takes", () => {
    const bench = new Bench();
    bench.own(3, ["lost"], { base: 2 });
    bench.message(1 + BURNED, ["b"], { base: 0 });
    for (let asked = 0; asked < 3; asked++) {
      bench.turn();
      bench.claimed("e1", 1 + BURNED);
    }
    expect(bench.claims).toEqual([]);
    bench.turn(10_000);
    expect(bench.claims).toEqual([]);
    expect(bench.room).toMatchObject({ head: 1 + BURNED, lostHead: 0 });
    expect(bench.room.parked.size).toBe(0);
  });

  test("is asked again after a while where the answer is of one that has not burned them", () => {
    const bench = new Bench();
    bench.message(1, ["lost"]);
    bench.message(1 + BURNED, ["b"], { base: 0 });
    bench.turn();
    bench.claimed("e1", 1);
    expect(bench.turn(SHARED_LIMITS.retryMsMax - 1)).toEqual([]);
    expect(bench.claims).toEqual([]);
    bench.turn(1);
    bench.claimed("e2", 1 + 2 * BURNED);
    expect(bench.turn()).toEqual(["closed 7"]);
  });

  test("does not get what it lost acked while that waited to be shown", () => {
    const bench = new Bench();
    bench.message(1, ["a"]);
    bench.own(3, ["lost"], { base: 2 });
    bench.message(2 + BURNED, ["c"], { base: 1 });
    expect(bench.turn()).toEqual(["7: 1 a"]);
    expect(bench.claims).toMatchObject([{ epoch: "e1", head: 3 }]);
    bench.claimed("e2", 2 + 2 * BURNED);
    expect(bench.turn()).toEqual(["unavailable 0 to 100", "closed 7"]);
  });

  test("is told so too where the missing ones come after the others", () => {
    const bench = new Bench();
    bench.message(3 + BURNED, ["c"], { base: 2 });
    bench.message(1, ["a", "b", "lost"]);
    expect(bench.turn()).toEqual(["7: 1 a", "7: 2 b", "7: 3 lost"]);
    expect(bench.claims).toMatchObject([{ epoch: "e1", head: 3 }]);
  });

  test("shows nothing of a hole that is read when that is found out", () => {
    const bench = new Bench();
    bench.own(3, ["lost"], { base: 2 });
    bench.turn(SHARED_LIMITS.holeWaitMs);
    bench.message(1 + BURNED, ["c"], { base: 0 });
    bench.reads[0]?.onDone(records([], []));
    expect(bench.turn()).toEqual([]);
    expect(bench.claims).toMatchObject([{ epoch: "e1", head: 3 }]);
  });

  test("shows it by a hole too, which nothing fills", () => {
    const bench = new Bench();
    bench.message(1, ["a", "lost"]);
    bench.stream.missing(bench.room, 2 + BURNED);
    expect(bench.turn()).toEqual(["7: 1 a", "7: 2 lost"]);
    expect(bench.reads).toEqual([]);
    expect(bench.claims).toMatchObject([{ epoch: "e1", head: 2 }]);
    bench.claimed("e2", 2 + 2 * BURNED);
    expect(bench.turn()).toEqual(["closed 7"]);
  });
});
