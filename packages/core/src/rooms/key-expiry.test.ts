import { expect, test } from "bun:test";
import { THREAD_TIMERS, ThreadTimers } from "../timing/index.ts";
import { KeyExpiry } from "./key-expiry.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { Rooms } from "./rooms.fixture.ts";
import { SequencedRoom } from "./sequenced-room.ts";

/** The clock of the day is this far ahead of the monotonic one. */
const DAY_MS = 1_700_000_000_000;

function expiry(roomCount: number) {
  const clock = { ms: 0, now: () => DAY_MS + clock.ms, monotonic: () => clock.ms };
  const timers = new ThreadTimers(0);
  const rooms = Array.from({ length: roomCount }, (_, n) => new SequencedRoom(n, `r${n}`, "e", 0, 0, 0));
  const keys = new KeyExpiry(timers, clock, (number) => rooms[number]);
  const remember = (room: SequencedRoom, count: number) => {
    for (let key = 0; key < count; key++) room.rememberKey(`u\n${key}`, key + 1, clock.now());
    keys.remembered(room);
  };
  const pass = (ms: number) => {
    for (const end = clock.ms + ms; clock.ms < end; ) {
      clock.ms = Math.min(end, clock.ms + 100);
      while (timers.turn(clock.ms));
    }
  };
  /** Lets time pass; returns the most keys that were dropped in one turn. */
  const mostDropped = (ms: number) => {
    let most = 0;
    for (let passed = 0; passed < ms; passed += 100) {
      const before = held();
      pass(100);
      most = Math.max(most, before - held());
    }
    return most;
  };
  const held = () => rooms.reduce((sum, room) => sum + (room.keys?.size ?? 0), 0);
  return { rooms, keys, timers, remember, pass, mostDropped, held };
}

test("a quiet room forgets its keys when their time is over, a part per turn, and another one keeps its own", () => {
  const { rooms, keys, remember, pass, mostDropped } = expiry(2);
  const [old, young] = rooms as [SequencedRoom, SequencedRoom];
  remember(old, 3 * ROOM_LIMITS.expireKeysPerTurnMax);
  pass(10_000);
  remember(young, 3);
  pass(ROOM_LIMITS.keyLifeMs - 10_000);
  expect([old.keys?.size, keys.size]).toEqual([3 * ROOM_LIMITS.expireKeysPerTurnMax, 2]);
  const most = mostDropped(4 * THREAD_TIMERS.coarseMs);
  expect(most).toBeWithin(1, ROOM_LIMITS.expireKeysPerTurnMax + 1);
  expect([old.keys, young.keys?.size, keys.size]).toEqual([undefined, 3, 1]);
  pass(10_000);
  expect([young.keys, keys.size]).toEqual([undefined, 0]);
});

test("very many rooms forget theirs at once, and hold no timer afterwards", () => {
  const { rooms, keys, timers, remember, pass, mostDropped, held } = expiry(20_000);
  for (const room of rooms) remember(room, 1);
  pass(ROOM_LIMITS.keyLifeMs - 1000);
  expect(mostDropped(5000)).toBeWithin(1, ROOM_LIMITS.expireKeysPerTurnMax + 1);
  expect([held(), keys.size, timers.size]).toEqual([0, 0, 0]);
});

test("a room that gets keys all the time is looked through once in a while, not for each of them", () => {
  const { rooms, keys, timers, remember, pass, held } = expiry(1);
  const [room] = rooms as [SequencedRoom];
  for (let second = 0; second < 600; second++) {
    remember(room, 5);
    pass(1000);
    expect(timers.size).toBe(1);
  }
  expect(held()).toBeLessThanOrEqual(5);
  keys.forget(room);
  expect([keys.size, timers.size]).toEqual([0, 0]);
});

test("the sequencer forgets the keys of a room that went quiet, and only then", async () => {
  const rooms = new Rooms();
  rooms.join("r");
  expect(await rooms.publish("r", [{ key: "a" }, { key: "b" }])).toEqual([1, 2]);
  expect(rooms.sequencer.roomsWithKeys).toBe(1);
  rooms.run(ROOM_LIMITS.keyLifeMs - 1000);
  expect(await rooms.publish("r", [{ key: "a" }])).toEqual([1]);
  rooms.run(2000);
  rooms.run(50);
  expect(rooms.sequencer.roomsWithKeys).toBe(0);
  expect(await rooms.publish("r", [{ key: "a" }])).toEqual([3]);
});
