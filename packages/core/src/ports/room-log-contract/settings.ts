/** Part of the contract of a room log: settings beside the records. */
import { expect, test } from "bun:test";
import { BURN, type LogInUse, runOf, settingsOf, span } from "../room-log.fixture.ts";

export function settingsContract(log: LogInUse): void {
  const { all, commit } = log;

  test("settings are kept beside the records, and the last ones count", async () => {
    commit({ runs: [runOf("r", "e1", [1], 1000)] });
    expect(log.reader.settings("r")).toBe("");
    commit({ settings: [settingsOf("r", "e1", 1, "a", 2000)] });
    expect(log.reader.settings("r")).toBe("a");
    expect(log.reader.room("r")).toEqual({ epoch: "e1", head: 1, ts: 2000, floor: 1 });
    commit({
      settings: [settingsOf("r", "e1", 1, "b", 3000), settingsOf("r", "e1", 2, "長い", 3000)],
      runs: [runOf("r", "e1", [2, 3], 4000), runOf("s", "e1", [1])],
    });
    for (const how of ["clean", "crash"] as const) {
      expect(log.reader.settings("r")).toBe("長い");
      expect(log.reader.settings("s")).toBe("");
      await log.restart(how);
    }
    commit({ settings: [settingsOf("r", "e1", 3 + BURN, "")] });
    expect(log.reader.settings("r")).toBe("");
    expect(log.reader.list("", 10)).toEqual(["r", "s"]);
  });

  test("a room with settings but no records is there, and a crash burns its offsets too", async () => {
    const hour = 3_600_000;
    commit({ settings: [settingsOf("r", "e1", 0, "a", 1000 * hour)] });
    expect(log.reader.room("r")).toEqual({ epoch: "e1", head: 0, ts: 1000 * hour, floor: 1 });
    expect([log.reader.count(), log.reader.list("", 10)]).toEqual([1, ["r"]]);
    expect(log.reader.positionOfLast("r", 10, 0)).toBe(0);
    expect(log.reader.untouchedSince(1001 * hour, 10)).toEqual(["r"]);
    await log.restart("clean");
    expect(log.reader.room("r")).toMatchObject({ epoch: "e1", head: 0 });
    await log.restart("crash");
    expect(log.reader.settings("r")).toBe("a");
    expect(log.reader.room("r")).toMatchObject({ epoch: "e1", head: BURN });
    expect(all("r")).toEqual([`1-${BURN} lost`]);
    commit({ runs: [runOf("r", "e1", [BURN + 1])] });
    expect(all("r")).toEqual([`1-${BURN} lost`, `${BURN + 1}`]);
    commit({ settings: [settingsOf("new", "e1", 0, "b")] });
    expect(log.reader.room("new")?.head).toBe(0);
  });

  test("a room's first records and settings in one commit", () => {
    commit({ settings: [settingsOf("r", "e1", 0, "a")], runs: [runOf("r", "e1", [1, 2])] });
    expect(log.reader.room("r")).toMatchObject({ epoch: "e1", head: 2, floor: 1 });
    expect(log.reader.settings("r")).toBe("a");
    expect(all("r")).toEqual(["1", "2"]);
  });

  test("a forgotten room's settings go with it; newer ones keep it", () => {
    const settings = (room: string, ts: number) => settingsOf(room, "e1", 5, "a", ts);
    commit({ runs: [runOf("r", "e1", span(1, 5), 1000)], settings: [settings("r", 2000)] });
    commit({ settings: [settingsOf("only", "e1", 0, "a", 2000)] });
    const forget = (olderThanTs: number) => ["r", "only"].map((room) => ({ room, olderThanTs }));
    commit({ forget: forget(2000) });
    expect(log.reader.list("", 10)).toEqual(["only", "r"]);
    commit({ forget: forget(2001) });
    expect([log.reader.count(), log.reader.settings("r"), log.reader.settings("only")]).toEqual([0, "", ""]);
    commit({ runs: [runOf("r", "e2", [1], 3000)], settings: [settingsOf("only", "e2", 0, "", 3000)] });
    expect(log.reader.settings("r")).toBe("");
    expect(all("r")).toEqual(["1"]);
  });

  test("forgotten and set anew in one commit: nothing of the old epoch is left", () => {
    const keys = [{ room: "r", uid: "u", key: "k", offset: 1, ts: 1000 }];
    commit({ runs: [runOf("r", "e1", span(1, 5), 1000)], keys });
    commit({ settings: [settingsOf("r", "e2", 0, "a", 2000)], forget: [{ room: "r", olderThanTs: 1500 }] });
    expect(log.reader.room("r")).toEqual({ epoch: "e2", head: 0, ts: 2000, floor: 1 });
    expect([all("r"), log.reader.settings("r"), [...log.reader.keys("r", 0, 10)]]).toEqual([[], "a", []]);
  });
}
