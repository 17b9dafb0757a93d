import { describe, expect, test } from "bun:test";
import { CLOSE_CODES } from "@danmakud/wire";
import type { ViewerSink } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { Rooms, type TestViewer } from "./rooms.fixture.ts";

const STEP_MS = 1000;

/** Joins a viewer and notes when it is pinged; it answers, or it does not. */
function watch(rooms: Rooms, answers: boolean) {
  const pings: number[] = [];
  const along: number[] = [];
  const joinedAt = rooms.now;
  const viewer: TestViewer & ViewerSink = rooms.join("r");
  const pinged = (list: number[]) => {
    list.push(rooms.now - joinedAt);
    if (answers) rooms.hub.heard(viewer.id);
  };
  viewer.ping = () => pinged(pings);
  viewer.sendWithPing = (frame) => {
    pinged(along);
    return viewer.send(frame);
  };
  return { viewer, pings, along };
}

async function pass(rooms: Rooms, ms: number, publishEveryMs = Number.POSITIVE_INFINITY): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    rooms.run(STEP_MS);
    if (passed % publishEveryMs === 0) await rooms.publish("r", [{ content: "c" }]);
  }
}

describe("a viewer", () => {
  test("is pinged after a while without traffic, and again and again", async () => {
    const rooms = new Rooms();
    const { viewer, pings } = watch(rooms, true);
    await pass(rooms, 100_000);
    expect(pings.length).toBeWithin(2, 4);
    expect(pings[0]).toBeGreaterThanOrEqual(ROOM_LIMITS.pingAfterMs);
    expect(pings[0]).toBeLessThan(ROOM_LIMITS.pingAtLatestMs);
    expect(viewer.closed).toBeUndefined();
  });

  test("that gets danmaku is pinged later, along with one of them", async () => {
    const rooms = new Rooms();
    const { viewer, pings, along } = watch(rooms, true);
    await pass(rooms, 150_000, 10_000);
    expect(pings).toEqual([]);
    expect(along.length).toBeWithin(2, 4);
    expect(along[0]).toBeGreaterThanOrEqual(ROOM_LIMITS.pingWithFrameMs);
    expect(along[0]).toBeLessThan(ROOM_LIMITS.pingAtLatestMs + 5000);
    expect(viewer.offsets().length).toBe(15);
    expect(viewer.closed).toBeUndefined();
  });

  test("that gets danmaku now and then is pinged by itself before its silence counts", async () => {
    const rooms = new Rooms();
    const { viewer, pings, along } = watch(rooms, true);
    await pass(rooms, 150_000, 29_000);
    expect(pings.length + along.length).toBeWithin(2, 5);
    expect(Math.min(...pings, ...along)).toBeLessThan(ROOM_LIMITS.pingAtLatestMs + 6000);
    expect(viewer.closed).toBeUndefined();
  });

  test.each([Number.POSITIVE_INFINITY, 10_000])(
    "that answers nothing is closed, with danmaku every %d ms",
    async (publishEveryMs) => {
      const rooms = new Rooms();
      const { viewer, pings, along } = watch(rooms, false);
      await pass(rooms, ROOM_LIMITS.silenceMsMax - STEP_MS, publishEveryMs);
      expect(viewer.closed).toBeUndefined();
      expect(pings.length + along.length).toBeGreaterThan(1);
      await pass(rooms, 10_000, publishEveryMs);
      expect(viewer.closed?.code).toBe(CLOSE_CODES.heartbeat_timeout);
    },
  );

  test("is not pinged at once with all who came with it, but before its silence counts", () => {
    const rooms = new Rooms();
    const all = Array.from({ length: 1000 }, () => watch(rooms, true));
    for (let passed = 0; passed < ROOM_LIMITS.silenceMsMax - 5000; passed += 200) {
      const before = all.reduce((sum, { pings }) => sum + pings.length, 0);
      rooms.run(200);
      const sent = all.reduce((sum, { pings }) => sum + pings.length, 0) - before;
      expect(sent).toBeLessThan(all.length / 20);
    }
    for (const { pings, viewer } of all) {
      expect(pings[0]).toBeLessThan(ROOM_LIMITS.pingAtLatestMs);
      expect(viewer.closed).toBeUndefined();
    }
  });
});
