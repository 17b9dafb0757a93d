import { describe, expect, test } from "bun:test";
import { draft, person, Rooms } from "./rooms.fixture.ts";
import { ROOM_SETTINGS_DEFAULT } from "./settings.ts";

async function describeRoom(rooms: Rooms, room: string, gateway = 0) {
  const answer = rooms.hubs[gateway]!.describe(room);
  rooms.run();
  return await answer;
}

describe("a change of settings", () => {
  test("is answered with all settings, and every gateway tells them", async () => {
    const rooms = new Rooms({ gateways: 2 });
    expect(await rooms.configure("r", { maxRate: 50 })).toEqual({ ...ROOM_SETTINGS_DEFAULT, maxRate: 50 });
    for (const gateway of [0, 1]) {
      expect(await describeRoom(rooms, "r", gateway)).toMatchObject({ head: 0, settings: { maxRate: 50 } });
    }
    expect(await rooms.configure("r", {}, person("s", "service"), 1)).toMatchObject({ maxRate: 50 });
    expect(rooms.sequencer.list("", 10)).toMatchObject([{ room: "r", settings: { maxRate: 50 } }]);
  });

  test("is for those who moderate the room", async () => {
    const rooms = new Rooms();
    for (const role of ["viewer", "member"] as const) {
      expect(await rooms.configure("r", { maxRate: 1 }, person("u", role))).toBe("forbidden");
    }
    const elsewhere = { uid: "m", role: "moderator", rooms: ["other"] } as const;
    expect(await rooms.configure("r", { maxRate: 1 }, elsewhere)).toBe("forbidden");
    expect(await describeRoom(rooms, "r")).toBeUndefined();
    expect(await rooms.configure("other", { maxRate: 1 }, elsewhere)).toMatchObject({ maxRate: 1 });
  });

  test("is answered once it is on disk, in its place among the publishes", async () => {
    const rooms = new Rooms();
    await rooms.publish("r", [{}]);
    rooms.journalHeld = true;
    const settled: string[] = [];
    const note = (what: string) => (value: unknown) => {
      settled.push(what);
      return value;
    };
    const publish = () => rooms.hub.publish("r", person("s", "service"), [draft({})]);
    const changes = [1, 2].map((maxRate) => {
      publish().then(note("publish"));
      return rooms.hub.configure("r", person("m", "moderator"), { maxRate }).then(note("settings"));
    });
    rooms.run();
    await Bun.sleep(0);
    expect(settled).toEqual([]);
    rooms.journalHeld = false;
    rooms.run();
    expect(await Promise.all(changes)).toMatchObject([{ maxRate: 1 }, { maxRate: 2 }]);
    expect([...settled].sort()).toEqual(["publish", "publish", "settings", "settings"]);
    expect(await rooms.publish("r", [{}])).toEqual([4]);
  });

  test("that the log cannot take is unavailable", async () => {
    const rooms = new Rooms();
    await rooms.publish("r", [{}]);
    rooms.log.failing = true;
    expect(await rooms.publish("r", [{}])).toEqual(["unavailable"]);
    expect(await rooms.configure("r", { maxRate: 1 })).toBe("unavailable");
    rooms.log.failing = false;
    rooms.run(1000);
    expect(await rooms.configure("r", { maxRate: 2 })).toMatchObject({ maxRate: 2 });
  });

  test("counts as a message of the user", async () => {
    const rooms = new Rooms({ limits: true });
    const outcomes: unknown[] = [];
    for (let i = 0; i < 25; i++) outcomes.push(await rooms.configure("r", { maxRate: i }));
    expect(outcomes.at(-1)).toBe("rate_limited");
    expect(await rooms.configure("r", { maxRate: 1 }, person("s", "service"))).toMatchObject({ maxRate: 1 });
  });
});

describe("settings stay", () => {
  test("when the room is let go, also without any record", async () => {
    const rooms = new Rooms({ roomLingerMs: 1000 });
    await rooms.configure("r", { maxRate: 7 });
    const epoch = (await describeRoom(rooms, "r"))?.epoch;
    rooms.run(3000);
    rooms.run(3000);
    expect(rooms.sequencer.openRooms).toBe(0);
    expect(rooms.sequencer.list("", 10)).toMatchObject([{ room: "r", head: 0, settings: { maxRate: 7 } }]);
    expect(await describeRoom(rooms, "r")).toMatchObject({ epoch, head: 0, settings: { maxRate: 7 } });
  });

  test("over a restart", async () => {
    const before = new Rooms();
    await before.publish("r", [{}]);
    await before.configure("r", { maxRate: 7 });
    await before.configure("empty", { maxRate: 8 });
    await before.configure("reset", { maxRate: 9 });
    await before.configure("reset", { maxRate: 0 });
    const after = new Rooms({ log: before.log });
    expect(await describeRoom(after, "r")).toMatchObject({ head: 1, settings: { maxRate: 7 } });
    expect(await describeRoom(after, "empty")).toMatchObject({ head: 0, settings: { maxRate: 8 } });
    expect(await describeRoom(after, "reset")).toMatchObject({ head: 0, settings: ROOM_SETTINGS_DEFAULT });
  });

  test("until the room is forgotten", async () => {
    const rooms = new Rooms({ roomLingerMs: 1000, roomTtlMs: 100_000 });
    await rooms.publish("r", [{}]);
    await rooms.configure("r", { maxRate: 7 });
    await rooms.configure("empty", { maxRate: 7 });
    rooms.run(200_000);
    rooms.run(200_000);
    expect(await describeRoom(rooms, "r")).toBeUndefined();
    expect(await describeRoom(rooms, "empty")).toBeUndefined();
    await rooms.publish("r", [{}]);
    expect(await describeRoom(rooms, "r")).toMatchObject({ head: 1, settings: ROOM_SETTINGS_DEFAULT });
  });

  test("a room that was only opened is not there after a restart", async () => {
    const before = new Rooms();
    before.join("r");
    before.run();
    expect(await describeRoom(new Rooms({ log: before.log }), "r")).toBeUndefined();
  });
});
