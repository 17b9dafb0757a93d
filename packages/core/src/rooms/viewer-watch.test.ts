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

  test("is not closed for being asked late, by a thread with far more to do than it can", () => {
    const rooms = new Rooms();
    const watched = Array.from({ length: 12_000 }, () => watch(rooms, true));
    rooms.run();
    const [timers] = rooms.timers;
    // One turn a second, in which so many timers fire and no more.
    for (let passed = 0; passed < 200_000; passed += 900) {
      rooms.now += 900;
      timers?.turn(rooms.now);
    }
    expect(watched.every(({ pings }) => pings.length > 0)).toBe(true);
    expect(watched.filter(({ viewer }) => viewer.closed !== undefined)).toEqual([]);
  });

  test("is pinged within half a second of when it is due", () => {
    const rooms = new Rooms();
    const { pings } = watch(rooms, true);
    for (let passed = 0; passed < 40_000; passed += 200) rooms.step(200);
    expect(pings).toHaveLength(1);
    expect(pings[0]).toBeWithin(ROOM_LIMITS.pingAfterMs, ROOM_LIMITS.pingAfterMs + 500);
  });

  test("that is heard again and again is not pinged, and has one timer all the time", () => {
    const rooms = new Rooms();
    const { viewer, pings } = watch(rooms, true);
    rooms.run();
    const timers = rooms.timers[0]?.size;
    for (let passed = 0; passed < 120_000; passed += STEP_MS) {
      rooms.run(STEP_MS);
      rooms.hub.heard(viewer.id);
      expect(rooms.timers[0]?.size).toBeLessThanOrEqual(timers as number);
    }
    expect(pings).toEqual([]);
  });

  test("that leaves takes its timer along; its row's next tenant has its whole time", () => {
    const rooms = new Rooms();
    const first = watch(rooms, true);
    rooms.run(20_000);
    const timers = rooms.timers[0]?.size as number;
    rooms.hub.leave(first.viewer.id);
    expect(rooms.timers[0]?.size).toBe(timers - 1);
    const second = watch(rooms, true);
    expect(second.viewer.id).toBe(first.viewer.id);
    rooms.run(ROOM_LIMITS.pingAfterMs - STEP_MS);
    expect(second.pings).toEqual([]);
    rooms.run(2 * STEP_MS);
    expect([first.pings.length, second.pings.length]).toEqual([0, 1]);
  });

  test("is not blamed for a time in which the thread stood still, but is asked after it", () => {
    const rooms = new Rooms();
    const alive = watch(rooms, true);
    const dead = watch(rooms, false);
    rooms.run(20_000);
    rooms.step(600_000);
    rooms.run(ROOM_LIMITS.pingAfterMs);
    expect([alive.viewer.closed, dead.viewer.closed]).toEqual([undefined, undefined]);
    expect(alive.pings.length).toBeGreaterThan(0);
    rooms.run(ROOM_LIMITS.silenceMsMax);
    expect([alive.viewer.closed, dead.viewer.closed?.code]).toEqual([
      undefined,
      CLOSE_CODES.heartbeat_timeout,
    ]);
  });

  test("does not mind a clock that is set", () => {
    const rooms = new Rooms();
    const { viewer, pings } = watch(rooms, true);
    rooms.run(10_000);
    rooms.clockAheadMs = 3_600_000;
    rooms.run(10_000);
    expect([viewer.closed, pings.length]).toEqual([undefined, 0]);
    rooms.clockAheadMs = -3_600_000;
    rooms.run(11_000);
    expect([viewer.closed, pings.length]).toEqual([undefined, 1]);
  });

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

describe("a viewer whose socket is full", () => {
  test("is closed after its time, however often it was full before", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    rooms.run();
    for (let times = 0; times < 20; times++) {
      viewer.answer = -1;
      await rooms.publish("r", [{ content: "c" }]);
      rooms.run(STEP_MS);
      viewer.answer = undefined;
      rooms.hub.drained(viewer.id);
      rooms.run(STEP_MS);
    }
    viewer.answer = -1;
    await rooms.publish("r", [{ content: "c" }]);
    rooms.run(ROOM_LIMITS.blockedMsMax - STEP_MS);
    expect(viewer.closed).toBeUndefined();
    rooms.run(2 * STEP_MS);
    expect(viewer.closed?.code).toBe(CLOSE_CODES.slow_consumer);
  });

  test("is not closed when it drains in time, nor for a stand-still of the thread", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    rooms.run();
    viewer.answer = -1;
    await rooms.publish("r", [{ content: "c" }]);
    rooms.run(10_000);
    rooms.step(300_000);
    rooms.run(10_000);
    expect(viewer.closed).toBeUndefined();
    viewer.answer = undefined;
    rooms.hub.drained(viewer.id);
    rooms.run(ROOM_LIMITS.blockedMsMax);
    expect(viewer.closed).toBeUndefined();
  });
});
