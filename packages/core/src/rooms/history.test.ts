import { describe, expect, test } from "bun:test";
import { decodeRecords, encodeRecord, type ServerRecord } from "@danmakud/wire";
import type { HistoryQuery } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { Rooms } from "./rooms.fixture.ts";

const EPOCH = "e1";
const TS = 1_699_999_000_000;

/** A node whose log has offsets 1 to `head` of room `r`: danmaku where `isDanmaku` says so, deletes otherwise. */
function roomsWith(head: number, isDanmaku: (offset: number) => boolean): Rooms {
  const rooms = new Rooms();
  const bytes = new Uint8Array(head * 128);
  let end = 0;
  for (let offset = 1; offset <= head; offset++) {
    const record: ServerRecord = isDanmaku(offset)
      ? {
          type: "danmaku",
          offset,
          ts: TS,
          uid: "u",
          content: "c",
          mode: "scroll",
          color: "#ffffff",
          size: 25,
          class: "normal",
        }
      : { type: "delete", offset, ts: TS, of: 1 };
    end = encodeRecord(record, bytes, end);
  }
  const run = {
    room: "r",
    epoch: EPOCH,
    bytes: bytes.subarray(0, end),
    first: 1,
    last: head,
    count: head,
    ts: TS,
  };
  rooms.log.commit({
    runs: [run],
    keys: [],
    settings: [],
    schedule: [],
    unschedule: [],
    sanctions: [],
    forget: [],
  });
  return rooms;
}

async function offsets(rooms: Rooms, query: HistoryQuery): Promise<number[]> {
  const page = rooms.hub.history("r", query);
  rooms.run();
  const { bytes, epoch } = (await page)!;
  expect(epoch).toBe(EPOCH);
  return decodeRecords(bytes).map((record) => ("offset" in record ? record.offset : -1));
}

describe("a page of history has as many as were asked for, as long as there are so many", () => {
  test("behind a long stretch of deletes", async () => {
    const rooms = roomsWith(6000, (offset) => offset <= 2 || offset > 5990);
    expect(await offsets(rooms, { after: 0, limit: 1 })).toEqual([1]);
    expect(await offsets(rooms, { after: 2, limit: 1 })).toEqual([5991]);
    expect(await offsets(rooms, { after: 0, limit: 5 })).toEqual([1, 2, 5991, 5992, 5993]);
    expect(await offsets(rooms, { after: 5998, limit: 1000 })).toEqual([5999, 6000]);
  });

  test("before a long stretch of deletes", async () => {
    const rooms = roomsWith(6000, (offset) => offset <= 10);
    expect(await offsets(rooms, { last: 1 })).toEqual([10]);
    expect(await offsets(rooms, { last: 3 })).toEqual([8, 9, 10]);
    expect(await offsets(rooms, { last: 1000 })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await offsets(rooms, { last: 0 })).toEqual([]);
  });

  test("among deletes", async () => {
    const rooms = roomsWith(9000, (offset) => offset % 9 === 0);
    const all = Array.from({ length: 1000 }, (_, i) => (i + 1) * 9);
    expect(await offsets(rooms, { after: 0, limit: 1000 })).toEqual(all);
    expect(await offsets(rooms, { last: 1000 })).toEqual(all);
    expect(await offsets(rooms, { last: 7 })).toEqual(all.slice(-7));
    expect(await offsets(rooms, { after: 4500, limit: 7 })).toEqual(all.slice(500, 507));
  });

  test("and ends where there are no more", async () => {
    const rooms = roomsWith(3000, () => false);
    expect(await offsets(rooms, { after: 0, limit: 10 })).toEqual([]);
    expect(await offsets(rooms, { last: 10 })).toEqual([]);
  });
});

test("a long reading takes several turns, in which others get theirs", async () => {
  const rooms = roomsWith(20_000, (offset) => offset > 19_999);
  let isDone = false;
  const long = rooms.hub.history("r", { after: 0, limit: 1 }).then((page) => {
    isDone = true;
    return page;
  });
  rooms.sequencer.turn();
  rooms.journal.turn();
  expect(rooms.hub.turn()).toBe(true);
  await Promise.resolve();
  expect(isDone).toBe(false);
  const short = rooms.hub.history("r", { last: 1 });
  rooms.run();
  expect(decodeRecords((await long)!.bytes)).toMatchObject([{ offset: 20_000 }]);
  expect(decodeRecords((await short)!.bytes)).toMatchObject([{ offset: 20_000 }]);
});

test("no more questions wait than there is memory for", async () => {
  const rooms = roomsWith(4000, () => false);
  const asked = Array.from({ length: ROOM_LIMITS.historiesMax + 5 }, () =>
    rooms.hub.history("r", { after: 0, limit: 1 }).then(
      () => "answered",
      (error) => error.code,
    ),
  );
  rooms.run();
  rooms.run();
  const outcomes = await Promise.all(asked);
  expect(outcomes.filter((outcome) => outcome === "overloaded").length).toBeLessThanOrEqual(5);
  expect(outcomes.filter((outcome) => outcome === "answered").length).toBeGreaterThanOrEqual(
    ROOM_LIMITS.historiesMax,
  );
});

test("a room that began anew while its history was read is not mixed with it", async () => {
  const rooms = roomsWith(20_000, (offset) => offset > 19_999);
  const page = rooms.hub.history("r", { after: 0, limit: 1 }).catch((error) => error.code);
  rooms.sequencer.turn();
  rooms.journal.turn();
  rooms.hub.turn();
  const old = rooms.log.rooms.get("r")!;
  rooms.log.rooms.set("r", { ...old, epoch: "e2" });
  rooms.run();
  expect(await page).toBe("unavailable");
});
