import { describe, expect, test } from "bun:test";
import { CLASSES, encodeDanmaku, patchLogRecord, recordOffset, recordStride } from "@danmakud/wire";
import fc from "fast-check";
import { ROOM_LIMITS } from "./limits.ts";
import { RoomWindow } from "./room-window.ts";

const scratch = new Uint8Array(8192);
const scratchWords = new Uint32Array(scratch.buffer);

/** Appends a danmaku of the given content length; its ring position is ten times its offset. */
function append(window: RoomWindow, length: number, danmakuClass = 0): void {
  const offset = window.head + 1;
  const fields = { uid: "u", content: "x".repeat(length), mode: 0, color: 0, size: 25, class: danmakuClass };
  const stride = encodeDanmaku(scratch, 0, fields);
  patchLogRecord(scratch, 0, offset, 1000 + offset);
  window.append(scratchWords, 0, stride, offset, offset * 10);
}

/** Offsets of the records from `offset` on, read the way a frame is cut. */
function walk(window: RoomWindow, offset: number): number[] {
  const found: number[] = [];
  for (let from = offset; from <= window.head; ) {
    const end = window.runEnd(from);
    const to = window.endOf(end);
    for (let at = window.startOf(from); at < to; at += recordStride(window.bytes, at)) {
      found.push(recordOffset(window.bytes, at));
    }
    from = end + 1;
  }
  return found;
}

describe("RoomWindow", () => {
  test("holds exactly the newest records, whole and in order, whatever their sizes", () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3000 })), {
      minLength: 1,
      maxLength: 600,
    });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 10_000 }), (lengths, head) => {
        const window = new RoomWindow(head, 0);
        for (const length of lengths) append(window, length);
        expect(window.head).toBe(head + lengths.length);
        expect(walk(window, window.first)).toEqual(range(window.first, window.head));
        const middle = Math.floor((window.first + window.head) / 2);
        expect(walk(window, middle)).toEqual(range(middle, window.head));
      }),
      { numRuns: 200 },
    );
  });

  test("forgets the oldest beyond its number of records, and says up to which ring position", () => {
    const window = new RoomWindow(0, 0);
    for (let i = 0; i < ROOM_LIMITS.windowRecordsMax + 500; i++) append(window, 1 + (i % 30));
    expect(window.count).toBe(ROOM_LIMITS.windowRecordsMax);
    expect(window.first).toBe(501);
    expect(window.evictedPosition).toBe(5000);
    expect(walk(window, 501)).toEqual(range(501, window.head));
  });

  test("stays within its bytes when records are long", () => {
    const window = new RoomWindow(0, 0);
    for (let i = 0; i < 3000; i++) append(window, 2000);
    expect(window.bytes.length).toBe(ROOM_LIMITS.windowBytesMax);
    expect(window.count).toBeGreaterThan(400);
    expect(walk(window, window.first)).toEqual(range(window.first, window.head));
  });

  test("starts small", () => {
    expect(new RoomWindow(0, 0).size).toBeLessThanOrEqual(2560);
  });

  test("keeps the newest must-deliver records that left it", () => {
    const paid = CLASSES.indexOf("paid");
    const window = new RoomWindow(0, 0);
    const total = ROOM_LIMITS.windowRecordsMax * 2;
    for (let i = 1; i <= total; i++) append(window, 5, i % 10 === 0 ? paid : 0);
    const kept = [...window.mustDeliver(0, window.first)].map((record) => record.offset);
    expect(kept).toHaveLength(ROOM_LIMITS.mustDeliverKept);
    expect(kept.at(-1)).toBe(Math.floor((window.first - 1) / 10) * 10);
    // Everything must-deliver above the floor is kept or in the window.
    expect(kept[0]).toBe(window.mustDeliverFloor + 10);
  });

  test("takes older records in front", () => {
    const window = new RoomWindow(10, 7);
    append(window, 100);
    append(window, 3);
    const older = new RoomWindow(4, 7);
    for (let i = 0; i < 6; i++) append(older, 20);
    const bytes = older.bytes.slice(older.startOf(5), older.endOf(10));
    window.prepend(bytes, 5, 6);
    expect(window.first).toBe(5);
    expect(window.head).toBe(12);
    expect(walk(window, 5)).toEqual(range(5, 12));
    append(window, 9);
    expect(walk(window, 12)).toEqual([12, 13]);
  });

  test("refuses a record out of order", () => {
    const window = new RoomWindow(0, 0);
    expect(() => window.append(scratchWords, 0, 24, 2, 0)).toThrow("does not follow");
  });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
