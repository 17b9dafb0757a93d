/** Part of the contract of a room log: epochs, stops and crashes. */
import { expect, test } from "bun:test";
import { BURN, type LogInUse, NO_LIMITS, outline, runOf, span } from "../room-log.fixture.ts";

export function livesContract(log: LogInUse): void {
  const { all, commit } = log;

  test("another epoch from the first offset on takes the room over", () => {
    const keys = [{ room: "r", uid: "u", key: "k", offset: 1, ts: 1000 }];
    commit({ runs: [runOf("r", "e1", span(1, 5), 1000)], keys });
    commit({ runs: [runOf("r", "e2", [1, 2], 2000)] });
    expect(log.reader.room("r")).toEqual({ epoch: "e2", head: 2, ts: 2000, floor: 1 });
    expect(all("r")).toEqual(["1", "2"]);
    expect([...log.reader.keys("r", 0, 10)]).toEqual([]);
  });

  test("a clean stop keeps heads, a crash burns offsets, once per crash", async () => {
    commit({ runs: [runOf("r", "e1", span(1, 10)), runOf("s", "e1", [1])] });
    await log.restart("clean");
    expect(log.reader.room("r")?.head).toBe(10);
    await log.restart("crash");
    expect(log.reader.room("r")).toMatchObject({ epoch: "e1", head: 10 + BURN });
    expect(outline(log.reader.read("r", 9, 10 + BURN, NO_LIMITS))).toEqual(["10", `11-${10 + BURN} lost`]);
    await log.restart("crash");
    await log.restart("clean");
    expect(log.reader.room("r")?.head).toBe(10 + 2 * BURN);
    const next = 11 + 2 * BURN;
    commit({ runs: [runOf("r", "e1", [next])] });
    expect(log.reader.room("r")?.head).toBe(next);
    expect(all("r", 9)).toEqual(["10", `11-${next - 1} lost`, `${next}`]);
    await log.restart("crash");
    expect(log.reader.room("r")?.head).toBe(next + BURN);
    expect(log.reader.room("s")?.head).toBe(1 + 3 * BURN);
  });
}
