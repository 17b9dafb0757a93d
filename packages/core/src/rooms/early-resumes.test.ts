import { describe, expect, test } from "bun:test";
import { EarlyResumes } from "./early-resumes.ts";
import type { StartPosition } from "./hub.ts";
import type { RoomRegistry } from "./room-registry.ts";
import { WatchedRoom } from "./watched-room.ts";

function room(head: number, epoch = "e"): WatchedRoom {
  return new WatchedRoom("r", 1, epoch, head, 0, 0, 0, 0);
}

/** Early viewers of one room, which a test may replace or take away. */
function setUp(at: WatchedRoom) {
  const rooms = { present: at as WatchedRoom | undefined };
  const events: string[] = [];
  const early = new EarlyResumes(
    { get: () => rooms.present } as unknown as RoomRegistry,
    (viewer, into) => events.push(`${viewer} into ${into.epoch}:${into.window.head}`),
    (viewer, name) => events.push(`${viewer} enters ${name} anew`),
  );
  const take = (viewer: number, after: number, now: number, isStill = () => true) => {
    const start: StartPosition = { kind: "resume", epoch: "e", after };
    return early.take(viewer, at, start, isStill, now);
  };
  return { rooms, events, early, take };
}

describe("a viewer that has seen more elsewhere", () => {
  test("waits until the room has caught up with it, each for itself", () => {
    const at = room(10);
    const { rooms, events, early, take } = setUp(at);
    expect([take(1, 10, 0), take(2, 12, 0), take(3, 20, 0)]).toEqual([false, true, true]);
    early.turn(100);
    expect(events).toEqual([]);
    rooms.present = room(15);
    early.turn(200);
    expect(events).toEqual(["2 into e:15"]);
    rooms.present = room(20);
    early.turn(300);
    early.turn(400);
    expect(events).toEqual(["2 into e:15", "3 into e:20"]);
  });

  test("waits for its time at most, and then goes on at what there is", () => {
    const { events, early, take } = setUp(room(10));
    take(1, 12, 0);
    take(2, 12, 1000);
    early.turn(1499);
    expect(events).toEqual([]);
    early.turn(1500);
    expect(events).toEqual(["1 into e:10"]);
    early.turn(2500);
    expect(events).toEqual(["1 into e:10", "2 into e:10"]);
  });

  test("goes into another life of the room at once, and enters anew where it was let go of", () => {
    const { rooms, events, early, take } = setUp(room(10));
    take(1, 12, 0);
    rooms.present = room(10, "f");
    early.turn(100);
    expect(events).toEqual(["1 into f:10"]);
    take(2, 12, 100);
    rooms.present = undefined;
    early.turn(200);
    expect(events).toHaveLength(1);
    early.turn(1600);
    expect(events).toEqual(["1 into f:10", "2 enters r anew"]);
  });

  test("that leaves is forgotten", () => {
    const { rooms, events, early, take } = setUp(room(10));
    take(1, 12, 0, () => false);
    rooms.present = room(12);
    early.turn(100);
    early.turn(5000);
    expect(events).toEqual([]);
  });
});
