/** Part of the contract of a room log: what waits for its time. */
import { expect, test } from "bun:test";
import { type LogInUse, runOf } from "../room-log.fixture.ts";
import type { ScheduledDanmaku } from "../room-log.ts";

export function scheduledContract(log: LogInUse): void {
  const { all, commit } = log;

  const waiting = (number: number, room: string, deliverAt: number, key = ""): ScheduledDanmaku => {
    return { number, room, deliverAt, key, record: runOf(room, "", [0], 0).bytes.slice() };
  };
  const START = { deliverAt: 0, number: 0 };
  const numbers = (room: string, after = START, limit = 100): number[] =>
    log.reader.scheduled(room, after, limit).map(({ number }) => number);

  test("what is scheduled waits, by room and time, until it is taken out", async () => {
    expect(numbers("r")).toEqual([]);
    expect(log.reader.lastScheduled()).toBe(0);
    const late = waiting(1, "r", 9000, "k1");
    commit({ schedule: [late, waiting(2, "r", 5000), waiting(3, "other", 1), waiting(4, "r", 5000)] });
    expect(numbers("r")).toEqual([2, 4, 1]);
    expect(numbers("r", { deliverAt: 5000, number: 2 }, 1)).toEqual([4]);
    expect(log.reader.scheduled("r", { deliverAt: 5000, number: 4 }, 9)).toEqual([late]);
    expect([1, 3, 5].map((number) => log.reader.isScheduled("r", number))).toEqual([true, false, false]);
    expect([...log.reader.allScheduled()].map(({ number }) => number).sort()).toEqual([1, 2, 3, 4]);
    commit({ unschedule: [2, 77] });
    expect(numbers("r")).toEqual([4, 1]);
    expect(log.reader.room("r")).toBeUndefined();
  });

  test("a scheduled danmaku goes into the log and out of what waits in one commit", async () => {
    commit({ schedule: [waiting(1, "r", 5)] });
    commit({ runs: [runOf("r", "e", [1])], unschedule: [1], schedule: [waiting(2, "r", 6)] });
    expect(all("r")).toEqual(["1"]);
    expect(numbers("r")).toEqual([2]);
    // Scheduled and delivered within one commit.
    commit({ schedule: [waiting(3, "r", 7)], runs: [runOf("r", "e", [2])], unschedule: [3, 2] });
    expect(numbers("r")).toEqual([]);
  });

  test.each(["clean", "crash"] as const)(
    "what waits outlives a %s stop, and no number comes again",
    async (how) => {
      commit({ schedule: [waiting(1, "r", 5), waiting(2, "r", 6)] });
      commit({ unschedule: [2] });
      await log.restart(how);
      expect(numbers("r")).toEqual([1]);
      expect(log.reader.lastScheduled()).toBe(2);
    },
  );

  test("what waits outlives the forgetting of its room", () => {
    commit({ runs: [runOf("r", "e", [1], 1000)], schedule: [waiting(1, "r", 5)] });
    commit({ forget: [{ room: "r", olderThanTs: 2000 }] });
    expect(log.reader.room("r")).toBeUndefined();
    expect(numbers("r")).toEqual([1]);
  });
}
