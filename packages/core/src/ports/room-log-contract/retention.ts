/** Part of the contract of a room log: what is trimmed and what is forgotten. */
import { expect, test } from "bun:test";
import { deleteRunOf, type LogInUse, NO_LIMITS, outline, RETAIN, runOf, span } from "../room-log.fixture.ts";

export function retentionContract(log: LogInUse): void {
  const { all, commit } = log;

  test("at least `retain` danmaku stay, the rest is announced as trimmed", () => {
    let head = 0;
    for (const step of [1, 999, 1, 3, 256, 257, 1, 400, 2000, 5]) {
      commit({ runs: [runOf("r", "e1", span(head + 1, head + step))] });
      head += step;
      const { floor } = log.reader.room("r") ?? { floor: Number.NaN };
      const stored = head - floor + 1;
      expect(stored).toBeGreaterThanOrEqual(Math.min(head, RETAIN));
      expect(stored).toBeLessThanOrEqual(RETAIN * 1.1);
      const expected = span(floor, head).map(String);
      expect(all("r")).toEqual(floor > 1 ? [`1-${floor - 1} trimmed`, ...expected] : expected);
    }
    const { floor } = log.reader.room("r") ?? { floor: Number.NaN };
    expect(outline(log.reader.read("r", 0, 10, NO_LIMITS))).toEqual(["1-10 trimmed"]);
    expect(outline(log.reader.read("r", floor - 3, floor, NO_LIMITS))).toEqual([
      `${floor - 2}-${floor - 1} trimmed`,
      `${floor}`,
    ]);
    expect(log.reader.positionOfLast("r", 100_000, head)).toBe(floor - 1);
  });

  test("deletes do not count as danmaku when rows are trimmed", () => {
    commit({ runs: [runOf("r", "e1", span(1, RETAIN))] });
    for (let offset = RETAIN + 1; offset <= RETAIN + 300; offset++) {
      commit({ runs: [deleteRunOf("r", "e1", offset, 1)] });
    }
    expect(log.reader.room("r")?.floor).toBe(1);
  });

  test("a forgotten room leaves nothing, and may begin anew", () => {
    const keys = [{ room: "r", uid: "u", key: "k", offset: 1, ts: 1000 }];
    commit({ runs: [runOf("r", "e1", span(1, 5), 1000), runOf("s", "e1", [1], 1000)], keys });
    commit({ forget: [{ room: "r", olderThanTs: 1000 }] });
    expect(log.reader.room("r")?.head).toBe(5);
    commit({
      forget: [
        { room: "r", olderThanTs: 1001 },
        { room: "unknown", olderThanTs: 1 },
      ],
    });
    expect(log.reader.room("r")).toBeUndefined();
    expect(log.reader.list("", 10)).toEqual(["s"]);
    commit({ runs: [runOf("r", "e2", [1], 2000)] });
    expect(log.reader.room("r")).toEqual({ epoch: "e2", head: 1, ts: 2000, floor: 1 });
    expect(all("r")).toEqual(["1"]);
    expect([...log.reader.keys("r", 0, 10)]).toEqual([]);
  });

  test("forgotten and begun anew in one commit, in whatever order", () => {
    for (const first of [1, 6]) {
      const room = `r${first}`;
      commit({ runs: [runOf(room, "e1", span(1, 5), 1000)] });
      commit({ runs: [runOf(room, "e2", [first], 2000)], forget: [{ room, olderThanTs: 1500 }] });
      expect(log.reader.room(room)).toEqual({ epoch: "e2", head: first, ts: 2000, floor: first });
      expect(all(room, first - 1)).toEqual([`${first}`]);
    }
  });

  test("a room that is written to in the same commit is not forgotten", () => {
    commit({ runs: [runOf("r", "e1", span(1, 5), 1000)] });
    commit({ runs: [runOf("r", "e1", [6], 2000)], forget: [{ room: "r", olderThanTs: 1500 }] });
    expect(all("r")).toEqual(["1", "2", "3", "4", "5", "6"]);
  });
}
