import { describe, expect, test } from "bun:test";
import { CLOSE_CODES, type DanmakuError } from "@danmakud/wire";
import { type Sanction, SITE, UNTIL_LIFTED } from "../ports/index.ts";
import type { Principal } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { draft, person, Rooms, type TestViewer } from "./rooms.fixture.ts";
import { Sanctions } from "./sanctions.ts";

const HEAD = { kind: "head" } as const;
const FOREVER = { lastsMs: Number.POSITIVE_INFINITY } as const;

/** Publishes as somebody and waits: the offset, or the error. */
async function publish(
  rooms: Rooms,
  who: Principal = person("u"),
  fields: Parameters<typeof draft>[0] = {},
  gateway = 0,
): Promise<number | DanmakuError> {
  const outcomes = rooms.hubs[gateway]!.publish("r", who, [draft(fields)]);
  rooms.run();
  const [outcome] = await outcomes;
  if (outcome === undefined || !("offset" in outcome)) return (outcome as { error: DanmakuError }).error;
  return outcome.offset;
}

function say(rooms: Rooms, viewer: TestViewer, gateway = 0): void {
  rooms.hubs[gateway]!.receive(viewer.id, '{"type":"publish","id":1,"content":"hi"}');
  rooms.run();
}

async function listed(rooms: Rooms, kind: "mute" | "ban", room = "r"): Promise<string[]> {
  const found = await rooms.hub.sanctions(room, kind, person("boss", "admin"), "", 100);
  return found.map(({ uid }) => uid);
}

describe("a mute", () => {
  test("refuses publishes on every gateway until it is over, and the viewer goes on watching", async () => {
    const rooms = new Rooms({ gateways: 2 });
    const viewer = rooms.join("r", HEAD, "json", 1, "u");
    rooms.run();
    const muted = await rooms.sanction({ lastsMs: 10_000 });
    expect(muted).toMatchObject({ uid: "u", by: "mod", until: (muted as Sanction).since + 10_000 });
    say(rooms, viewer, 1);
    const left = (muted as Sanction).until - rooms.now;
    const [refused] = viewer.of("error");
    expect(refused).toMatchObject({ id: 1, code: "muted" });
    expect(refused?.retryAfterMs).toBeGreaterThanOrEqual(left);
    expect(refused?.retryAfterMs).toBeLessThanOrEqual(10_000);
    expect(await publish(rooms, person("u"))).toMatchObject({ code: "muted" });
    expect(await publish(rooms, person("other"))).toBe(1);
    expect(viewer.offsets()).toEqual([1]);
    expect(viewer.closed).toBeUndefined();
    rooms.run(10_000);
    say(rooms, viewer, 1);
    expect(viewer.offsets()).toEqual([1, 2]);
    // The wheel has taken it out of the log too.
    expect(rooms.log.held.size).toBe(0);
  });

  test("without an end holds until it is lifted, and says no time to come back", async () => {
    const rooms = new Rooms();
    expect(await rooms.sanction(FOREVER)).toMatchObject({ until: UNTIL_LIFTED });
    rooms.run(3_600_000);
    const error = await publish(rooms);
    expect(error).toMatchObject({ code: "muted" });
    expect((error as DanmakuError).retryAfterMs).toBeUndefined();
    await rooms.sanction({ lastsMs: 0 });
    expect(await publish(rooms)).toBe(1);
    await rooms.sanction({ lastsMs: 0 });
    expect(rooms.log.held.size).toBe(0);
  });

  test("given again has the new end", async () => {
    const rooms = new Rooms();
    await rooms.sanction({ lastsMs: 60_000 });
    await rooms.sanction({ lastsMs: 1000 });
    rooms.run(2000);
    expect(await publish(rooms)).toBe(1);
    await rooms.sanction({ lastsMs: 1000 });
    await rooms.sanction({ lastsMs: 60_000 });
    rooms.run(2000);
    expect(await publish(rooms)).toMatchObject({ code: "muted" });
    expect(rooms.sequencer.sanctions).toBe(1);
  });

  test("holds in its room only", async () => {
    const rooms = new Rooms();
    await rooms.sanction({ room: "elsewhere" });
    expect(await publish(rooms)).toBe(1);
  });

  test("binds moderators, but neither services nor admins, unless they speak as the user", async () => {
    const rooms = new Rooms();
    await rooms.sanction(FOREVER);
    expect(await publish(rooms, person("u", "moderator"))).toMatchObject({ code: "muted" });
    expect(await publish(rooms, person("u", "service"))).toBe(1);
    expect(await publish(rooms, person("u", "admin"))).toBe(2);
    expect(await publish(rooms, person("site", "service"), { uid: "u" })).toMatchObject({ code: "muted" });
    expect(await publish(rooms, person("site", "service"), { uid: "v" })).toBe(3);
    const announced = await rooms.hub
      .announce("r", person("u", "moderator"), draft({}))
      .then((outcome) => ("error" in outcome ? outcome.error : outcome))
      .catch((error: DanmakuError) => error);
    expect(announced).toMatchObject({ code: "muted" });
  });
});

describe("a ban", () => {
  test("closes the user's connections everywhere and refuses new ones, until it is lifted", async () => {
    const rooms = new Rooms({ gateways: 2 });
    const viewers = [0, 1].map((gateway) => rooms.join("r", HEAD, "json", gateway, "u"));
    const other = rooms.join("r", HEAD, "json", 1, "v");
    const elsewhere = rooms.join("r2", HEAD, "json", 1, "u");
    for (const [gateway, viewer] of viewers.entries()) {
      viewer.onClose = () => rooms.hubs[gateway]!.leave(viewer.id);
    }
    rooms.run();
    await rooms.sanction({ kind: "ban" });
    for (const viewer of viewers) expect(viewer.closed).toMatchObject({ code: CLOSE_CODES.banned });
    expect([other.closed, elsewhere.closed]).toEqual([undefined, undefined]);
    const again = rooms.join("r", HEAD, "tlv", 0, "u");
    const service = rooms.join("r", HEAD, "tlv", 0, "u", "service");
    rooms.run();
    expect(again.closed).toMatchObject({ code: CLOSE_CODES.banned });
    expect(again.records).toEqual([]);
    expect(service.of("hello")).toHaveLength(1);
    expect(await publish(rooms)).toMatchObject({ code: "banned" });
    await expect(rooms.hub.refuseBanned("r", person("u"))).rejects.toMatchObject({ code: "banned" });
    await rooms.hub.refuseBanned("r", person("v"));
    await rooms.sanction({ kind: "ban", lastsMs: 0 });
    const back = rooms.join("r", HEAD, "tlv", 1, "u");
    rooms.run();
    expect(back.of("hello")).toHaveLength(1);
  });

  test("reaches one who waits for the room to open", async () => {
    const rooms = new Rooms();
    await rooms.sanction({ kind: "ban" });
    const viewer = rooms.join("r", HEAD, "json", 0, "u");
    rooms.run();
    expect(viewer.closed).toMatchObject({ code: CLOSE_CODES.banned });
  });

  test("of a moderator takes his tools", async () => {
    const rooms = new Rooms();
    await publish(rooms);
    await rooms.sanction({ kind: "ban", uid: "mod" }, person("boss", "admin"));
    expect(await rooms.sanction({})).toBe("banned");
    expect(await rooms.sanction({ kind: "ban", uid: "mod", lastsMs: 0 })).toBe("forbidden");
    expect(await rooms.configure("r", { maxRate: 1 })).toBe("banned");
  });

  test("from the site holds in all rooms, open or not, and on gateways that began later", async () => {
    const rooms = new Rooms({ gateways: 2 });
    const viewers = ["r", "r2"].map((room) => rooms.join(room, HEAD, "json", 1, "u"));
    rooms.run();
    await rooms.sanction({ kind: "ban", room: SITE });
    for (const viewer of viewers) expect(viewer.closed).toMatchObject({ code: CLOSE_CODES.banned });
    const after = new Rooms({ log: rooms.log, gateways: 2 });
    for (const gateway of [0, 1]) {
      const viewer = after.join("new", HEAD, "json", gateway, "u");
      const other = after.join("new", HEAD, "json", gateway, "v");
      after.run();
      expect(viewer.closed).toMatchObject({ code: CLOSE_CODES.banned });
      expect(viewer.records).toEqual([]);
      expect(other.closed).toBeUndefined();
    }
    await after.sanction({ kind: "ban", room: SITE, lastsMs: 0 });
    expect(await publish(after)).toBe(1);
  });
});

describe("mutes and bans", () => {
  test("outlive a restart, but for those that are over by then", async () => {
    const before = new Rooms();
    await before.sanction({ lastsMs: 1000, uid: "short" });
    await before.sanction({ lastsMs: 100_000, uid: "long" });
    await before.sanction({ ...FOREVER, kind: "ban" });
    const after = new Rooms({ log: before.log });
    after.now = before.now + 5000;
    expect(await publish(after, person("short"))).toBe(1);
    expect(await publish(after, person("long"))).toMatchObject({ code: "muted" });
    expect(await publish(after)).toMatchObject({ code: "banned" });
    expect(await listed(after, "mute")).toEqual(["long"]);
    expect([...after.log.held.values()].map(({ uid }) => uid).sort()).toEqual(["long", "u"]);
  });

  test("hold where the room is let go of, or forgotten, and comes back", async () => {
    const rooms = new Rooms({ roomLingerMs: 1000, roomTtlMs: 100_000 });
    await publish(rooms);
    await rooms.sanction(FOREVER);
    rooms.run(5000);
    rooms.run(5000);
    expect(rooms.sequencer.openRooms).toBe(0);
    expect(await publish(rooms)).toMatchObject({ code: "muted" });
    rooms.run(200_000);
    rooms.run(200_000);
    expect(rooms.sequencer.list("", 10)).toEqual([]);
    expect(await publish(rooms)).toMatchObject({ code: "muted" });
  });

  test("are for moderators of the room, those of the site for admins", async () => {
    const rooms = new Rooms();
    for (const role of ["viewer", "member"] as const) {
      expect(await rooms.sanction({}, person("x", role))).toBe("forbidden");
      await expect(rooms.hub.sanctions("r", "mute", person("x", role), "", 1)).rejects.toMatchObject({
        code: "forbidden",
      });
    }
    const elsewhere = { uid: "m", role: "moderator", rooms: ["other"] } as const;
    expect(await rooms.sanction({}, elsewhere)).toBe("forbidden");
    expect(await rooms.sanction({ room: "other" }, elsewhere)).toMatchObject({ room: "other" });
    expect(await rooms.sanction({}, person("s", "service"))).toMatchObject({ by: "s" });
    for (const role of ["moderator", "service"] as const) {
      expect(await rooms.sanction({ kind: "ban", room: SITE }, person("x", role))).toBe("forbidden");
    }
    expect(await rooms.sanction({ uid: "mod" })).toBe("forbidden");
    expect(await listed(rooms, "mute")).toEqual(["u"]);
  });

  test("are answered once they are on disk", async () => {
    const rooms = new Rooms();
    rooms.journalHeld = true;
    let isSettled = false;
    const asked = rooms.hub
      .sanction(person("mod", "moderator"), { kind: "mute", room: "r", uid: "u", lastsMs: 1000 })
      .then(() => {
        isSettled = true;
      });
    await Bun.sleep(0);
    rooms.run();
    await Bun.sleep(0);
    expect(isSettled).toBe(false);
    rooms.journalHeld = false;
    rooms.run();
    await asked;
    expect(rooms.log.held.size).toBe(1);
  });

  test("that the log cannot take are unavailable", async () => {
    const rooms = new Rooms();
    rooms.log.failing = true;
    await publish(rooms);
    expect(await rooms.sanction({})).toBe("unavailable");
  });

  test("are told to a gateway in full before it lets anybody in, however little room the ring has", async () => {
    const log = new Rooms().log;
    const count = 3000;
    for (let i = 0; i < count; i++) {
      const uid = `user-with-a-rather-long-name-${i}`;
      log.held.set(`r ban ${uid}`, { kind: "ban", room: "r", uid, until: UNTIL_LIFTED, since: 0, by: "m" });
    }
    const rooms = new Rooms({ log, gateways: 2, broadcastBytes: 1 << 18 });
    const viewers = Array.from({ length: count }, (_, i) =>
      rooms.join("r", HEAD, "json", i % 2, `user-with-a-rather-long-name-${i}`),
    );
    const guest = rooms.join("r", HEAD, "json", 0, "guest");
    for (let i = 0; i < 20; i++) rooms.run();
    expect(viewers.filter((viewer) => viewer.closed?.code !== CLOSE_CODES.banned)).toHaveLength(0);
    expect(viewers.filter((viewer) => viewer.records.length > 0)).toHaveLength(0);
    expect(guest.of("hello")).toHaveLength(1);
  });
});

test("a room takes as many as it may, and replaces and lifts when it is full", () => {
  const sanctions = new Sanctions(0);
  const one = (uid: string, until = UNTIL_LIFTED): Sanction => {
    return { kind: "ban", room: "r", uid, until, since: 0, by: "m" };
  };
  for (let i = 0; i < ROOM_LIMITS.sanctionsPerRoomMax; i++) {
    expect(sanctions.refusal(one(`u${i}`))).toBeUndefined();
    sanctions.put(one(`u${i}`, i < 10 ? 1000 + i : UNTIL_LIFTED));
  }
  expect(sanctions.refusal(one("more"))).toBe("overloaded");
  expect(sanctions.refusal(one("u3"))).toBeUndefined();
  expect(sanctions.refusal(one("more", 0))).toBeUndefined();
  expect(sanctions.refusal({ ...one("more"), room: "r2" })).toBeUndefined();
  expect(sanctions.over(999)).toEqual([]);
  expect(sanctions.nextAt()).toBeLessThanOrEqual(1000);
  expect(sanctions.over(1004).map(({ uid }) => uid)).toEqual(["u0", "u1", "u2", "u3", "u4"]);
  expect(sanctions.refusal(one("more"))).toBeUndefined();
  sanctions.forget("r");
  expect(sanctions.size).toBe(0);
  expect(sanctions.over(10_000)).toEqual([]);
});
