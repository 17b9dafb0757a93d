import { describe, expect, test } from "bun:test";
import { ROOM_LIMITS } from "./limits.ts";
import { person, Rooms, type TestViewer } from "./rooms.fixture.ts";

const HOUR_MS = 3_600_000;

function counts(viewer: TestViewer): number[] {
  return viewer.of("stats").map(({ online }) => online);
}

describe("an open room", () => {
  test("is let go of after it stood empty for the linger time, not a moment before", () => {
    const rooms = new Rooms({ roomLingerMs: 10_000 });
    const viewer = rooms.join("r");
    rooms.run(60_000);
    expect([rooms.sequencer.openRooms, rooms.hub.watchedRooms]).toEqual([1, 1]);
    rooms.hub.leave(viewer.id);
    rooms.run(10_000);
    expect([rooms.sequencer.openRooms, rooms.hub.watchedRooms]).toEqual([1, 1]);
    rooms.run(2 * ROOM_LIMITS.lingerMarginMs);
    expect([rooms.sequencer.openRooms, rooms.hub.watchedRooms]).toEqual([0, 0]);
    expect([rooms.sequencerTimers.size, rooms.timers[0]?.size]).toEqual([1, 0]);
  });

  test("lingers from its last publish on, and waits for the disk", async () => {
    const rooms = new Rooms({ roomLingerMs: 10_000 });
    await rooms.publish("r", [{ content: "a" }]);
    rooms.run(9000);
    await rooms.publish("r", [{ content: "b" }]);
    rooms.run(9000);
    expect(rooms.sequencer.openRooms).toBe(1);
    rooms.journalHeld = true;
    void rooms.hub.publish("r", person("service", "service"), [
      { content: "c", mode: 0, color: 0, size: 25 },
    ]);
    rooms.run(60_000);
    expect(rooms.sequencer.openRooms).toBe(1);
    rooms.journalHeld = false;
    rooms.run(30_000);
    expect(rooms.sequencer.openRooms).toBe(0);
  });

  test("is not let go of early, nor kept, where the clock of the day is set", () => {
    const rooms = new Rooms({ roomLingerMs: 10_000 });
    const viewer = rooms.join("r");
    rooms.run(1000);
    rooms.hub.leave(viewer.id);
    rooms.clockAheadMs = HOUR_MS;
    rooms.run(8000);
    expect(rooms.sequencer.openRooms).toBe(1);
    rooms.clockAheadMs = -HOUR_MS;
    rooms.run(8000);
    expect(rooms.sequencer.openRooms).toBe(0);
  });

  test("tells its count at most every 5 s, also after the clock of the day was set back", () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    rooms.run(6000);
    const before = counts(viewer).length;
    rooms.clockAheadMs = -HOUR_MS;
    for (let second = 0; second < 30; second++) {
      rooms.join("r", undefined, undefined, 0, `u${second}`);
      rooms.run(1000);
    }
    rooms.run(6000);
    expect(counts(viewer).length - before).toBeWithin(5, 9);
    expect(counts(viewer).at(-1)).toBe(31);
  });

  test("keeps to its slow mode when the clock of the day is set, and forgets who it no longer binds", async () => {
    const rooms = new Rooms({ limits: true });
    await rooms.configure("r", { slowModeMs: 3000 });
    const timers = rooms.sequencerTimers.size;
    const say = async () => {
      const outcome = rooms.hub.publish("r", person("u1", "viewer"), [
        { content: "a", mode: 0, color: 0, size: 25 },
      ]);
      rooms.run(100);
      const [first] = await outcome;
      return first !== undefined && "error" in first ? first.error.code : "taken";
    };
    expect(await say()).toBe("taken");
    rooms.clockAheadMs = HOUR_MS;
    expect(await say()).toBe("rate_limited");
    rooms.clockAheadMs = -HOUR_MS;
    rooms.run(3000);
    expect(await say()).toBe("taken");
    expect(rooms.sequencerTimers.size).toBe(timers + 1);
    rooms.run(4 * ROOM_LIMITS.slowLookIntervalMs);
    expect(rooms.sequencerTimers.size).toBe(timers);
  });
});

describe("a gateway that is gone", () => {
  test("has its viewers taken back, a part of the rooms per turn", () => {
    const count = 2 * ROOM_LIMITS.takenBackPerTurnMax;
    const rooms = new Rooms({ gateways: 2, roomsMax: count, broadcastBytes: 1 << 24 });
    const watched = rooms.join("r0", undefined, undefined, 1);
    for (let room = 0; room < count; room++) rooms.join(`r${room}`);
    rooms.run(8000);
    expect(rooms.sequencer.list("r", 2).map(({ online }) => online)).toEqual([2, 1]);
    rooms.sequencer.gatewayGone(0);
    const empty = () => rooms.sequencer.list("r", count).filter(({ online }) => online === 0).length;
    const parts: number[] = [];
    for (let turn = 0; turn < 4; turn++) {
      rooms.now += 1;
      rooms.sequencerTimers.turn(rooms.now);
      parts.push(empty());
    }
    // All but `r0`, which the other gateway has a viewer in.
    expect(parts.at(-1)).toBe(count - 1);
    parts.forEach((part, turn) => {
      expect(part - (parts[turn - 1] ?? 0)).toBeLessThanOrEqual(ROOM_LIMITS.takenBackPerTurnMax);
    });
    rooms.run(8000);
    expect(counts(watched).at(-1)).toBe(1);
  });
});
