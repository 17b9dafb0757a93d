import { describe, expect, test } from "bun:test";
import type { DanmakuError, Draft } from "@danmakud/wire";
import { ROOM_LIMITS } from "./limits.ts";
import { draft, person, Rooms } from "./rooms.fixture.ts";

const MOD = person("mod", "moderator");
const START = { deliverAt: 0, number: 0 };

async function announce(rooms: Rooms, fields: Partial<Draft>, who = MOD, gateway = 0): Promise<unknown> {
  const outcome = rooms.hubs[gateway]!.announce("r", who, draft(fields)).catch(
    (error: DanmakuError) => error.code,
  );
  rooms.run();
  const settled = await outcome;
  return typeof settled === "object" && "epoch" in settled ? settled.offset : settled;
}

async function unschedule(rooms: Rooms, number: number, who = MOD): Promise<unknown> {
  const outcome = rooms.hub.unschedule("r", who, number).catch((error: DanmakuError) => error.code);
  rooms.run();
  return await outcome;
}

describe("a scheduled danmaku", () => {
  test("waits in the log's store, and is delivered at its time to viewers on all gateways", async () => {
    const rooms = new Rooms({ gateways: 2 });
    const viewers = [rooms.join("r"), rooms.join("r", { kind: "head" }, "json", 1)];
    rooms.run();
    expect(await rooms.publish("r", [{ delayMs: 5000 }])).toEqual(["scheduled 1"]);
    const [waiting] = await rooms.hub.scheduled("r", MOD, START, 10);
    expect(waiting).toMatchObject({ number: 1, room: "r" });
    rooms.now = (waiting?.deliverAt ?? 0) - 60;
    rooms.run(50);
    for (const viewer of viewers) expect(viewer.offsets()).toEqual([]);
    rooms.run(50);
    for (const viewer of viewers) {
      const [danmaku] = viewer.of("danmaku");
      expect(danmaku?.ts).toBeGreaterThanOrEqual(waiting?.deliverAt as number);
      expect(viewer.offsets()).toEqual([1]);
    }
    expect(await rooms.hub.scheduled("r", MOD, START, 10)).toEqual([]);
    expect(rooms.log.waiting.size).toBe(0);
  });

  test("whose time has passed is published at once", async () => {
    const rooms = new Rooms();
    expect(await rooms.publish("r", [{ deliverAt: 1 }, { delayMs: 0 }])).toEqual([1, 2]);
  });

  test("more than a year ahead is refused", async () => {
    const rooms = new Rooms();
    const deliverAt = rooms.now + ROOM_LIMITS.scheduleAheadMsMax + 10_000;
    expect(await rooms.publish("r", [{ deliverAt }])).toEqual(["invalid_message"]);
  });

  test("order of time, then of acceptance, among what others publish", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    const at = rooms.now + 1000;
    await rooms.publish(
      "r",
      [at + 5, at, at + 5, at].map((deliverAt, i) => ({ deliverAt, content: `s${i}` })),
    );
    await rooms.publish("r", [{ content: "now" }]);
    rooms.run(2000);
    await rooms.publish("r", [{ content: "after" }]);
    expect(viewer.of("danmaku").map(({ content }) => content)).toEqual([
      "now",
      "s1",
      "s3",
      "s0",
      "s2",
      "after",
    ]);
    const times = viewer.of("danmaku").map(({ ts }) => ts);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test("is not shown before it is on disk, nor what follows it", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    await rooms.publish("r", [{ delayMs: 500 }]);
    rooms.journalHeld = true;
    rooms.run(1000);
    void rooms.hub.publish("r", person("u"), [draft({})]);
    rooms.run();
    expect(viewer.offsets()).toEqual([]);
    rooms.journalHeld = false;
    rooms.run();
    expect(viewer.offsets()).toEqual([1, 2]);
    // Nothing is held back any more.
    rooms.journalHeld = true;
    void rooms.hub.publish("r", person("u"), [draft({})]);
    rooms.run();
    expect(viewer.offsets()).toEqual([1, 2, 3]);
  });

  test("over a WebSocket: `scheduled` at once, `ack` when it is in the log", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r", { kind: "head" }, "json", 0, "mod");
    rooms.run();
    rooms.hub.leave(viewer.id);
    const mod = new (viewer.constructor as new () => typeof viewer)();
    mod.encoding = "json";
    const id = rooms.hub.join("r", MOD, { kind: "head" }, "json", mod);
    rooms.run();
    rooms.hub.receive(id, JSON.stringify({ type: "publish", id: 7, content: "soon", delayMs: 800 }));
    rooms.hub.receive(id, JSON.stringify({ type: "publish", id: 8, content: "never", delayMs: 800 }));
    rooms.run();
    expect(mod.of("scheduled")).toMatchObject([
      { id: 7, scheduled: 1 },
      { id: 8, scheduled: 2 },
    ]);
    expect(mod.of("ack")).toEqual([]);
    expect(await unschedule(rooms, 2)).toBeUndefined();
    expect(mod.of("error")).toMatchObject([{ id: 8, code: "not_found" }]);
    rooms.run(1000);
    expect(mod.of("ack")).toEqual([{ type: "ack", id: 7, offset: 1 }]);
    expect(mod.offsets()).toEqual([1]);
  });

  test("a repeat of its key is answered with it while it waits, with its offset afterwards", async () => {
    const rooms = new Rooms();
    const first = { key: "k", delayMs: 500 };
    expect(await rooms.publish("r", [first, first, { key: "k" }])).toEqual(Array(3).fill("scheduled 1"));
    expect(await rooms.publish("other", [first])).toEqual(["scheduled 2"]);
    rooms.run(1000);
    expect(await rooms.publish("r", [first, { key: "k" }])).toEqual([1, 1]);
    expect(rooms.log.remembered.filter(({ room }) => room === "r")).toMatchObject([{ key: "k", offset: 1 }]);
  });

  test("is taken back by those who moderate the room", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    await rooms.publish("r", [{ delayMs: 500 }, { delayMs: 600 }]);
    expect(await unschedule(rooms, 1, person("u"))).toBe("forbidden");
    expect(await unschedule(rooms, 99)).toBe("not_found");
    expect(await unschedule(rooms, 1)).toBeUndefined();
    expect(await unschedule(rooms, 1)).toBe("not_found");
    expect(rooms.hub.scheduled("r", person("u"), START, 1)).rejects.toMatchObject({ code: "forbidden" });
    rooms.run(1000);
    expect(viewer.offsets()).toEqual([1]);
    expect(rooms.sequencer.waiting).toBe(0);
  });

  test("opens its room when its time comes, and in its own epoch where it has one", async () => {
    const rooms = new Rooms({ roomLingerMs: 100 });
    await rooms.publish("r", [{}, { delayMs: 60_000 }]);
    rooms.run(10_000);
    rooms.run(10_000);
    expect(rooms.sequencer.openRooms).toBe(0);
    rooms.run(60_000);
    rooms.run(100);
    const viewer = rooms.join("r", { kind: "last", records: 10 });
    rooms.run();
    expect(viewer.offsets()).toEqual([1, 2]);
  });

  test("so many of a room, then overloaded", async () => {
    const rooms = new Rooms({ broadcastBytes: 1 << 22 });
    for (let i = 0; i < ROOM_LIMITS.scheduledPerRoomMax / 1000; i++) {
      await rooms.publish("r", Array(1000).fill({ delayMs: 100_000_000 }));
    }
    expect(await rooms.publish("r", [{ delayMs: 100_000_000 }, {}])).toEqual(["overloaded", 1]);
    expect(await rooms.publish("other", [{ delayMs: 100_000_000 }])).toEqual(["scheduled 20001"]);
  });
});

describe("an announcement", () => {
  test("is of class system; by moderators, not by viewers", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    expect(await announce(rooms, { content: "hear" })).toBe(1);
    expect(await announce(rooms, {}, person("u"))).toBe("forbidden");
    expect(await announce(rooms, { uid: "other" })).toBe("forbidden");
    expect(await announce(rooms, { uid: "site" }, person("s", "service"))).toBe(2);
    expect(await announce(rooms, { delayMs: 300 })).toMatchObject({ scheduled: 1 });
    rooms.run(1000);
    expect(viewer.of("danmaku").map(({ class: name, uid }) => [name, uid])).toEqual([
      ["system", "mod"],
      ["system", "site"],
      ["system", "mod"],
    ]);
  });
});
