import { expect, test } from "bun:test";
import { KeyExpiry } from "./key-expiry.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { Rooms } from "./rooms.fixture.ts";
import { SequencedRoom } from "./sequenced-room.ts";

function roomWithKeys(number: number, keys: number, ts: number): SequencedRoom {
  const room = new SequencedRoom(number, `r${number}`, "e", 0, 0, ts);
  for (let key = 0; key < keys; key++) room.rememberKey(`u\n${key}`, key + 1, ts);
  return room;
}

test("a quiet room forgets its keys, a slice per tick, and the rest keeps its own", () => {
  const expiry = new KeyExpiry();
  const old = roomWithKeys(1, ROOM_LIMITS.expireKeysPerTickMax + 5, 1000);
  const young = roomWithKeys(2, 3, 9000);
  expiry.remembered(old);
  expiry.remembered(young);
  expiry.tick(5000);
  expect(old.keys?.size).toBe(5);
  expiry.tick(5000);
  expect([old.keys, young.keys?.size, expiry.size]).toEqual([undefined, 3, 1]);
  expiry.tick(9001);
  expect([young.keys, expiry.size]).toEqual([undefined, 0]);
});

test("more rooms than a tick looks at all get their turn", () => {
  const expiry = new KeyExpiry();
  const count = 2 * ROOM_LIMITS.expireRoomsPerTickMax + 1;
  const rooms = Array.from({ length: count }, (_, number) => roomWithKeys(number, 1, number % 2));
  for (const room of rooms) expiry.remembered(room);
  for (let tick = 0; tick < 3; tick++) expiry.tick(1);
  expect(rooms.filter((room) => room.keys !== undefined).length).toBe(Math.floor(count / 2));
  expect(expiry.size).toBe(Math.floor(count / 2));
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
