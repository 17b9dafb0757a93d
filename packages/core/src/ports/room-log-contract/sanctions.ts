/** Part of the contract of a room log: mutes and bans. */
import { expect, test } from "bun:test";
import { type LogInUse, runOf } from "../room-log.fixture.ts";
import { type Sanction, UNTIL_LIFTED } from "../sanctions.ts";

export function sanctionsContract(log: LogInUse): void {
  const { commit } = log;

  const imposed = (uid: string, until = 5000, room = "r", kind: Sanction["kind"] = "ban"): Sanction => {
    return { kind, room, uid, until, since: 1000, by: "m" };
  };
  const uids = async (room = "r", now = 0, after = "", limit = 100): Promise<string[]> =>
    (await log.reader.sanctions(room, "ban", now, after, limit)).map(({ uid }) => uid);

  test("mutes and bans are kept by room, kind and user, until they are lifted", async () => {
    expect(await uids()).toEqual([]);
    commit({ sanctions: [imposed("b"), imposed("a"), imposed("a", 1, "other"), imposed("s", 9, "")] });
    commit({ sanctions: [imposed("a", UNTIL_LIFTED), imposed("a", 1, "r", "mute"), imposed("c", 4000)] });
    expect(await uids()).toEqual(["a", "b", "c"]);
    expect(await uids("r", 0, "a", 1)).toEqual(["b"]);
    expect(await uids("r", 4000)).toEqual(["a", "b"]);
    expect(await log.reader.sanctions("r", "mute", 0, "", 9)).toEqual([imposed("a", 1, "r", "mute")]);
    const ends = ["a", "b", "s", "x"].map((uid) => log.reader.bannedUntil("r", uid));
    expect(await Promise.all(ends)).toEqual([UNTIL_LIFTED, 5000, 9, 0]);
    expect([...log.reader.allSanctions()]).toHaveLength(6);
    commit({ sanctions: [imposed("b", 0), imposed("x", 0), imposed("d"), imposed("d", 0)] });
    expect(await uids()).toEqual(["a", "c"]);
    // They are no records of the room.
    expect(log.reader.room("r")).toBeUndefined();
  });

  test.each(["clean", "crash"] as const)("mutes and bans outlive a %s stop and their room", async (how) => {
    commit({ runs: [runOf("r", "e", [1], 1000)], sanctions: [imposed("a")] });
    commit({ forget: [{ room: "r", olderThanTs: 2000 }] });
    await log.restart(how);
    expect(log.reader.room("r")).toBeUndefined();
    expect([...log.reader.allSanctions()]).toEqual([imposed("a")]);
  });
}
