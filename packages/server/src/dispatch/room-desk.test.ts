import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DispatchRoom } from "./dispatch-room.ts";
import { QUEUED_ENTRIES_MAX, READ_COUNT } from "./limits.ts";
import { Company, type QueuedEntry, queueEntry } from "./queued-entry.ts";
import { RoomDesk } from "./room-desk.ts";

const FIELDS = ["timestamp", "1", "uid", "u", "content", "c"];
const entry = (offset: number): QueuedEntry => queueEntry("r", "e", `${offset}-0`, FIELDS, 0);
const entries = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => entry(from + i));
const offsetsOf = (list: readonly QueuedEntry[]) => list.map(({ offset }) => offset);

function readyRoom(desk: RoomDesk, name: string): DispatchRoom {
  const room = new DispatchRoom(name, 1, "1");
  desk.add(room);
  desk.toAttach.delete(room);
  room.phase = "ready";
  return room;
}

describe("the desk", () => {
  test("a room is read only when it may have something, is attached, and has place for more", () => {
    const desk = new RoomDesk();
    const room = new DispatchRoom("a", 1, "1");
    desk.add(room);
    desk.ring(room);
    expect(desk.takeDue(10)).toEqual([]);
    room.phase = "ready";
    desk.refresh(room);
    expect(desk.takeDue(10)).toEqual([room]);
    desk.ring(room); // while it is read
    expect(desk.takeDue(10)).toEqual([]);
    desk.receive(room, entries(1, READ_COUNT), false);
    desk.readDone(room);
    expect(desk.dueRooms).toBe(0);
    const [part] = desk.takeBatch(1_000) ?? [];
    expect(desk.dueRooms).toBe(1); // what is at the sink makes place
    if (part !== undefined) desk.finish(part);
    expect(desk.takeDue(10)).toEqual([room]);
    expect(desk.queuedEntries).toBe(0);
    expect(desk.queuedChars).toBe(0);
  });

  test("entries that failed are tried with their room's only, then one by one; the others' rooms do not wait", () => {
    const desk = new RoomDesk();
    const [a, b] = [readyRoom(desk, "a"), readyRoom(desk, "b")];
    desk.receive(a, entries(1, 3), false);
    desk.receive(b, entries(1, 3), false);
    const mixed = desk.takeBatch(1_000) ?? [];
    expect(mixed.map(({ room, entries: list }) => [room.name, list.length])).toEqual([
      ["a", 3],
      ["b", 3],
    ]);
    expect(desk.takeBatch(1_000)).toBeUndefined(); // a room is at one sink call at a time
    for (const each of a.queue) each.company = Company.room;
    for (const part of mixed) desk.retry(part, 0);
    const alone = desk.takeBatch(1_000) ?? [];
    expect(alone.map(({ room, entries: list }) => [room.name, list.length])).toEqual([["a", 3]]);
    expect(desk.takeBatch(1_000)?.map(({ room }) => room.name)).toEqual(["b"]);
    for (const each of a.queue) each.company = Company.none;
    for (const part of alone) desk.retry(part, 0);
    expect(offsetsOf(desk.takeBatch(1_000)?.[0]?.entries ?? [])).toEqual([1]);
  });

  test("what cannot be given to a sink is taken by itself, in its turn", () => {
    const desk = new RoomDesk();
    const room = readyRoom(desk, "a");
    desk.receive(room, [entry(1), queueEntry("a", "e", "2-7", FIELDS, 0), entry(3)], false);
    const turns: number[][] = [];
    for (let parts = desk.takeBatch(10); parts !== undefined; parts = desk.takeBatch(10)) {
      for (const part of parts) {
        turns.push(offsetsOf(part.entries));
        desk.finish(part);
      }
    }
    expect(turns).toEqual([[1], [2], [3]]);
  });

  test("a room that is let go of leaves nothing behind, also when a sink still had some of it", () => {
    const desk = new RoomDesk();
    const room = readyRoom(desk, "a");
    desk.receive(room, entries(1, 50), false);
    const parts = desk.takeBatch(10) ?? [];
    desk.remove(room);
    expect(desk.queuedEntries).toBe(10);
    for (const part of parts) desk.retry(part, 0);
    expect(desk.takeBatch(10)).toBeUndefined();
    expect([desk.queuedEntries, desk.queuedChars, desk.rooms.size]).toEqual([0, 0, 0]);
  });

  test("it is full when its entries are", () => {
    const desk = new RoomDesk();
    for (let room = 0; room * 1_000 < QUEUED_ENTRIES_MAX; room++) {
      expect(desk.isFull).toBe(false);
      desk.receive(readyRoom(desk, `r${room}`), entries(1, 1_000), false);
    }
    expect(desk.isFull).toBe(true);
  });
});

test("whatever is claimed and read in between, a room's entries come once each and in order", () => {
  // Offsets of one room: each is delivered by a read or, where that reply was lost, by a claim; some by both.
  const step = fc.record({
    count: fc.integer({ min: 1, max: 5 }),
    fate: fc.constantFrom("read", "lost", "both"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.integer({ min: 1, max: 7 }), (steps, batch) => {
      const desk = new RoomDesk();
      const room = readyRoom(desk, "a");
      const seen: number[] = [];
      const deliver = () => {
        for (let parts = desk.takeBatch(batch); parts !== undefined; parts = desk.takeBatch(batch)) {
          for (const part of parts) {
            seen.push(...offsetsOf(part.entries));
            desk.finish(part);
          }
        }
      };
      let next = 1;
      for (const { count, fate } of steps) {
        const list = entries(next, next + count - 1);
        next += count;
        if (fate === "read") desk.receive(room, list, false);
        else {
          // The claim answers before the read does, or the read never does.
          desk.receive(room, entries(next - count, next - 1), true);
          if (fate === "both") {
            deliver();
            desk.receive(room, list, false);
          }
        }
      }
      deliver();
      expect(seen).toEqual(Array.from({ length: next - 1 }, (_, i) => i + 1));
      expect(desk.queuedEntries).toBe(0);
    }),
  );
});

test("an entry belongs to the epoch that had begun before it", () => {
  const room = new DispatchRoom("a", 1, "1");
  room.beginEpoch("new", 10, "old");
  expect([room.epochOf(10), room.epochOf(11)]).toEqual(["old", "new"]);
  room.beginEpoch("newer", 20);
  expect([room.epochOf(20), room.epochOf(21)]).toEqual(["new", "newer"]);
  room.beginEpoch("newer", 30);
  expect(room.epochOf(21)).toBe("newer");
});
