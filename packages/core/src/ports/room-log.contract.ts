/**
 * What every `RoomLog` has to keep, run on each implementation from its own tests. A log is driven as the node does it:
 * one writer, readers beside it, clean stops and crashes between.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { decodeRecords, encodeDanmaku, encodeDelete, patchLogRecord, type WireRecord } from "@danmakud/wire";
import fc from "fast-check";
import type {
  AppendBatch,
  AppendKey,
  AppendRun,
  AppendSettings,
  LocalRoomLogReader,
  LogPage,
  RoomLogWriter,
  ScheduledDanmaku,
} from "./room-log.ts";
import { type Sanction, UNTIL_LIFTED } from "./sanctions.ts";

/** A log with its present ends; they change with `restart`. */
export interface LogUnderTest {
  readonly writer: RoomLogWriter;
  readonly reader: LocalRoomLogReader;
  /** Stops the writer and opens the log again; `crash` leaves out everything a killed process would leave out. */
  restart(how: "clean" | "crash"): Promise<void>;
  /** Closes and deletes it. */
  dispose(): Promise<void>;
}

/** How the log is to be opened: danmaku kept per room, and offsets burned per room by a crash. */
export interface LogUnderTestOptions {
  readonly retain: number;
  readonly burn: number;
}

export const NO_LIMITS = { recordsMax: 1_000_000, bytesMax: 1 << 30 };

const RETAIN = 1000;
const BURN = 500;

/** A run of danmaku at these offsets; the text says room, epoch and offset, so that no two are alike. */
export function runOf(
  room: string,
  epoch: string,
  offsets: readonly number[],
  ts = 1_700_000_000_000,
): AppendRun {
  const bytes = new Uint8Array(offsets.length * 256);
  let at = 0;
  for (const offset of offsets) {
    const content = `${room}/${epoch}/${offset}`;
    const end = encodeDanmaku(bytes, at, {
      uid: "u1",
      content,
      mode: 0,
      color: 0xffffff,
      size: 25,
      class: 0,
    });
    patchLogRecord(bytes, at, offset, ts);
    at = end;
  }
  const first = offsets[0] ?? 0;
  const last = offsets[offsets.length - 1] ?? 0;
  return { room, epoch, bytes: bytes.subarray(0, at), first, last, count: offsets.length, ts };
}

/** A run of one delete record. */
export function deleteRunOf(
  room: string,
  epoch: string,
  offset: number,
  of: number,
  ts = 1_700_000_000_000,
): AppendRun {
  const bytes = new Uint8Array(64);
  const end = encodeDelete(bytes, 0, of);
  patchLogRecord(bytes, 0, offset, ts);
  return { room, epoch, bytes: bytes.subarray(0, end), first: offset, last: offset, count: 1, ts };
}

/** Settings made when the room's head was `head`. */
export function settingsOf(
  room: string,
  epoch: string,
  head: number,
  text: string,
  ts = 1_700_000_000_000,
): AppendSettings {
  return { room, epoch, head, ts, text };
}

/** What a commit may have, everything else empty. */
export function batchOf(batch: Partial<AppendBatch>): AppendBatch {
  return {
    runs: [],
    keys: [],
    settings: [],
    schedule: [],
    unschedule: [],
    sanctions: [],
    forget: [],
    ...batch,
  };
}

/** Offsets `from` to `to`. */
export function span(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** A page in short: "3" for a record at 3, "4-9 lost" for a gap. */
export function outline(page: LogPage): string[] {
  return decodeRecords(page.bytes).map((record: WireRecord) => {
    if (record.type === "gap") return `${record.from}-${record.to} ${record.reason}`;
    if (record.type === "danmaku") return `${record.offset}`;
    if (record.type === "delete") return `${record.offset} delete`;
    throw new Error(`${record.type} in a log`);
  });
}

/** Runs the contract on one implementation. */
export function roomLogContract(
  name: string,
  open: (options: LogUnderTestOptions) => LogUnderTest | Promise<LogUnderTest>,
): void {
  describe(`room log contract: ${name}`, () => {
    let log: LogUnderTest;
    const commit = (batch: Partial<AppendBatch>): void => log.writer.commit(batchOf(batch));
    const all = (room: string, after = 0): string[] => {
      const through = log.reader.room(room)?.head ?? 0;
      return outline(log.reader.read(room, after, through, NO_LIMITS));
    };

    beforeEach(async () => {
      log = await open({ retain: RETAIN, burn: BURN });
    });
    afterEach(async () => {
      await log.dispose();
    });

    test("a room without records is not there", () => {
      expect(log.reader.room("r")).toBeUndefined();
      expect(log.reader.settings("r")).toBe("");
      expect(log.reader.count()).toBe(0);
      expect(log.reader.list("", 10)).toEqual([]);
      expect(log.reader.positionOfLast("r", 10, 7)).toBe(7);
      expect([...log.reader.keys("r", 0, 10)]).toEqual([]);
      const page = log.reader.read("r", 3, 9, NO_LIMITS);
      expect({ size: page.bytes.length, next: page.next, count: page.count }).toEqual({
        size: 0,
        next: 3,
        count: 0,
      });
    });

    const waiting = (number: number, room: string, deliverAt: number, key = ""): ScheduledDanmaku => {
      return { number, room, deliverAt, key, record: runOf(room, "", [0], 0).bytes.slice() };
    };
    const START = { deliverAt: 0, number: 0 };
    const numbers = (room: string, after = START, limit = 100): number[] =>
      log.reader.scheduled(room, after, limit).map(({ number }) => number);

    test("what is scheduled waits, by room and time, until it is taken out", async () => {
      expect(numbers("r")).toEqual([]);
      expect(log.reader.lastScheduled()).toBe(0);
      const late = waiting(1, "r", 9000, "k1");
      commit({ schedule: [late, waiting(2, "r", 5000), waiting(3, "other", 1), waiting(4, "r", 5000)] });
      expect(numbers("r")).toEqual([2, 4, 1]);
      expect(numbers("r", { deliverAt: 5000, number: 2 }, 1)).toEqual([4]);
      expect(log.reader.scheduled("r", { deliverAt: 5000, number: 4 }, 9)).toEqual([late]);
      expect([1, 3, 5].map((number) => log.reader.isScheduled("r", number))).toEqual([true, false, false]);
      expect([...log.reader.allScheduled()].map(({ number }) => number).sort()).toEqual([1, 2, 3, 4]);
      commit({ unschedule: [2, 77] });
      expect(numbers("r")).toEqual([4, 1]);
      expect(log.reader.room("r")).toBeUndefined();
    });

    test("a scheduled danmaku goes into the log and out of what waits in one commit", async () => {
      commit({ schedule: [waiting(1, "r", 5)] });
      commit({ runs: [runOf("r", "e", [1])], unschedule: [1], schedule: [waiting(2, "r", 6)] });
      expect(all("r")).toEqual(["1"]);
      expect(numbers("r")).toEqual([2]);
      // Scheduled and delivered within one commit.
      commit({ schedule: [waiting(3, "r", 7)], runs: [runOf("r", "e", [2])], unschedule: [3, 2] });
      expect(numbers("r")).toEqual([]);
    });

    test.each(["clean", "crash"] as const)(
      "what waits outlives a %s stop, and no number comes again",
      async (how) => {
        commit({ schedule: [waiting(1, "r", 5), waiting(2, "r", 6)] });
        commit({ unschedule: [2] });
        await log.restart(how);
        expect(numbers("r")).toEqual([1]);
        expect(log.reader.lastScheduled()).toBe(2);
      },
    );

    test("what waits outlives the forgetting of its room", () => {
      commit({ runs: [runOf("r", "e", [1], 1000)], schedule: [waiting(1, "r", 5)] });
      commit({ forget: [{ room: "r", olderThanTs: 2000 }] });
      expect(log.reader.room("r")).toBeUndefined();
      expect(numbers("r")).toEqual([1]);
    });

    const imposed = (uid: string, until = 5000, room = "r", kind: Sanction["kind"] = "ban"): Sanction => {
      return { kind, room, uid, until, since: 1000, by: "m" };
    };
    const uids = async (room = "r", now = 0, after = "", limit = 100): Promise<string[]> =>
      (await log.reader.sanctions(room, "ban", now, after, limit)).map(({ uid }) => uid);

    test("mutes and bans are kept by room, kind and user, until they are lifted", async () => {
      expect(await uids()).toEqual([]);
      commit({ sanctions: [imposed("b"), imposed("a"), imposed("a", 1, "other"), imposed("s", 9, "")] });
      commit({ sanctions: [imposed("a", UNTIL_LIFTED), imposed("a", 1, "r", "mute"), imposed("c", 4000)] });
      expect(await uids()).toEqual(["a", "b", "c"]);
      expect(await uids("r", 0, "a", 1)).toEqual(["b"]);
      expect(await uids("r", 4000)).toEqual(["a", "b"]);
      expect(await log.reader.sanctions("r", "mute", 0, "", 9)).toEqual([imposed("a", 1, "r", "mute")]);
      const ends = ["a", "b", "s", "x"].map((uid) => log.reader.bannedUntil("r", uid));
      expect(await Promise.all(ends)).toEqual([UNTIL_LIFTED, 5000, 9, 0]);
      expect([...log.reader.allSanctions()]).toHaveLength(6);
      commit({ sanctions: [imposed("b", 0), imposed("x", 0), imposed("d"), imposed("d", 0)] });
      expect(await uids()).toEqual(["a", "c"]);
      // They are no records of the room.
      expect(log.reader.room("r")).toBeUndefined();
    });

    test.each(["clean", "crash"] as const)("mutes and bans outlive a %s stop and their room", async (how) => {
      commit({ runs: [runOf("r", "e", [1], 1000)], sanctions: [imposed("a")] });
      commit({ forget: [{ room: "r", olderThanTs: 2000 }] });
      await log.restart(how);
      expect(log.reader.room("r")).toBeUndefined();
      expect([...log.reader.allSanctions()]).toEqual([imposed("a")]);
    });

    test("what was committed is read back, byte by byte", () => {
      const run = runOf("r", "e1", span(1, 300), 5000);
      commit({ runs: [run] });
      expect(log.reader.room("r")).toEqual({ epoch: "e1", head: 300, ts: 5000, floor: 1 });
      const page = log.reader.read("r", 0, 300, NO_LIMITS);
      expect(page.count).toBe(300);
      expect(page.next).toBe(300);
      expect(Buffer.compare(page.bytes, run.bytes)).toBe(0);
    });

    test("records may lie in shared memory", () => {
      const run = runOf("r", "e1", span(1, 5));
      const shared = new Uint8Array(new SharedArrayBuffer(run.bytes.length + 8));
      shared.set(run.bytes, 4);
      commit({ runs: [{ ...run, bytes: shared.subarray(4, 4 + run.bytes.length) }] });
      shared.fill(0);
      expect(all("r")).toEqual(["1", "2", "3", "4", "5"]);
    });

    test("several runs of several rooms in one commit, mixed", () => {
      commit({
        runs: [
          runOf("a", "ea", span(1, 2)),
          runOf("b", "eb", [1]),
          runOf("a", "ea", [3]),
          deleteRunOf("b", "eb", 2, 1),
          runOf("a", "ea", span(4, 700)),
        ],
      });
      expect(all("a")).toEqual(span(1, 700).map(String));
      expect(all("b")).toEqual(["1", "2 delete"]);
      expect(log.reader.count()).toBe(2);
    });

    test("holes between records come as gaps, also at both ends of a page", () => {
      commit({ runs: [runOf("r", "e1", [1, 2, 5, 6])] });
      commit({ runs: [runOf("r", "e1", [10])] });
      expect(all("r")).toEqual(["1", "2", "3-4 lost", "5", "6", "7-9 lost", "10"]);
      expect(outline(log.reader.read("r", 3, 8, NO_LIMITS))).toEqual(["4-4 lost", "5", "6", "7-8 lost"]);
      expect(outline(log.reader.read("r", 6, 8, NO_LIMITS))).toEqual(["7-8 lost"]);
    });

    test("what is not in the log yet is not announced as lost", () => {
      commit({ runs: [runOf("r", "e1", [1, 2])] });
      const page = log.reader.read("r", 1, 5, NO_LIMITS);
      expect(outline(page)).toEqual(["2"]);
      expect(page.next).toBe(2);
      expect(log.reader.read("r", 2, 5, NO_LIMITS).next).toBe(2);
    });

    test("a page keeps its limits and gets on even where they are too small", () => {
      commit({ runs: [runOf("r", "e1", [...span(1, 20), ...span(30, 40)])] });
      const seen: string[] = [];
      let after = 0;
      while (after < 40) {
        const page = log.reader.read("r", after, 40, { recordsMax: 7, bytesMax: 200 });
        expect(page.count).toBeLessThanOrEqual(7);
        expect(page.bytes.length).toBeLessThanOrEqual(200);
        expect(page.next).toBeGreaterThan(after);
        after = page.next;
        seen.push(...outline(page));
      }
      expect(seen).toEqual([...span(1, 20).map(String), "21-29 lost", ...span(30, 40).map(String)]);
      expect(log.reader.read("r", 0, 40, { recordsMax: 0, bytesMax: 0 }).next).toBe(1);
    });

    test("position of the last records", () => {
      commit({ runs: [runOf("r", "e1", span(1, 600))] });
      for (const offset of [601, 602, 603]) commit({ runs: [runOf("r", "e1", [offset])] });
      commit({ runs: [runOf("r", "e1", [700, 701])] });
      const position = (records: number, through: number) => log.reader.positionOfLast("r", records, through);
      expect(position(0, 701)).toBe(701);
      expect(position(1, 701)).toBe(700);
      expect(position(2, 701)).toBe(699);
      expect(position(3, 701)).toBe(602);
      expect(position(2, 650)).toBe(601);
      expect(position(300, 600)).toBe(300);
      expect(position(10, 45)).toBe(35);
      expect(position(1_000_000, 701)).toBe(0);
    });

    test("rooms are listed in alphabetical order and by age", () => {
      const hour = 3_600_000;
      commit({ runs: ["b", "A", "c", "_"].map((room, i) => runOf(room, "e", [1], 1000 * hour + i * hour)) });
      expect(log.reader.list("", 10)).toEqual(["A", "_", "b", "c"]);
      expect(log.reader.list("A", 2)).toEqual(["_", "b"]);
      expect(log.reader.untouchedSince(1000 * hour, 10)).toEqual([]);
      expect([...log.reader.untouchedSince(1002 * hour, 10)].sort()).toEqual(["A", "b"]);
      expect(log.reader.untouchedSince(2000 * hour, 3).length).toBe(3);
      commit({ runs: [runOf("b", "e", [2], 2001 * hour)] });
      expect([...log.reader.untouchedSince(1002 * hour, 10)]).toEqual(["A"]);
    });

    test("at least `retain` danmaku stay, the rest is announced as trimmed", () => {
      let head = 0;
      for (const step of [1, 999, 1, 3, 256, 257, 1, 400, 2000, 5]) {
        commit({ runs: [runOf("r", "e1", span(head + 1, head + step))] });
        head += step;
        const { floor } = log.reader.room("r") ?? { floor: Number.NaN };
        const stored = head - floor + 1;
        expect(stored).toBeGreaterThanOrEqual(Math.min(head, RETAIN));
        expect(stored).toBeLessThanOrEqual(RETAIN * 1.1);
        const expected = span(floor, head).map(String);
        expect(all("r")).toEqual(floor > 1 ? [`1-${floor - 1} trimmed`, ...expected] : expected);
      }
      const { floor } = log.reader.room("r") ?? { floor: Number.NaN };
      expect(outline(log.reader.read("r", 0, 10, NO_LIMITS))).toEqual(["1-10 trimmed"]);
      expect(outline(log.reader.read("r", floor - 3, floor, NO_LIMITS))).toEqual([
        `${floor - 2}-${floor - 1} trimmed`,
        `${floor}`,
      ]);
      expect(log.reader.positionOfLast("r", 100_000, head)).toBe(floor - 1);
    });

    test("deletes do not count as danmaku when rows are trimmed", () => {
      commit({ runs: [runOf("r", "e1", span(1, RETAIN))] });
      for (let offset = RETAIN + 1; offset <= RETAIN + 300; offset++) {
        commit({ runs: [deleteRunOf("r", "e1", offset, 1)] });
      }
      expect(log.reader.room("r")?.floor).toBe(1);
    });

    test("keys are stored with their danmaku, and limited by time and number", () => {
      const key = (room: string, offset: number, ts: number): AppendKey => {
        return { room, uid: `u${offset}`, key: `キー-${offset}`, offset, ts };
      };
      const stored = (offset: number, ts: number) => ({
        uid: `u${offset}`,
        key: `キー-${offset}`,
        offset,
        ts,
      });
      commit({
        runs: [runOf("r", "e", span(1, 600), 1000)],
        keys: span(1, 600).map((o) => key("r", o, 400 + o)),
      });
      commit({
        runs: [runOf("r", "e", [601], 2000), runOf("s", "e", [1], 2000)],
        keys: [key("s", 1, 2000), key("r", 601, 2000)],
      });
      expect([...log.reader.keys("s", 0, 10)]).toEqual([stored(1, 2000)]);
      expect([...log.reader.keys("r", 0, 3)]).toEqual([
        stored(599, 999),
        stored(600, 1000),
        stored(601, 2000),
      ]);
      expect([...log.reader.keys("r", 1000, 1000)]).toEqual([stored(600, 1000), stored(601, 2000)]);
      expect([...log.reader.keys("r", 0, 10_000)].map((k) => k.offset)).toEqual(span(1, 601));
      expect([...log.reader.keys("r", 2001, 10)]).toEqual([]);
    });

    test("expired keys go, the others stay", () => {
      for (let commits = 0; commits < 20; commits++) {
        const offsets = span(commits * 100 + 1, commits * 100 + 100);
        const ts = 1000 + commits;
        const keys = offsets.map((offset) => ({ room: "r", uid: "u", key: `${offset}`, offset, ts }));
        commit({ runs: [runOf("r", "e", offsets, ts)], keys });
      }
      log.writer.expireKeys(1010, 1_000_000);
      expect([...log.reader.keys("r", 0, 1_000_000)].map((k) => k.offset)).toEqual(span(1001, 2000));
      const keys = [{ room: "r", uid: "u", key: "newest", offset: 2001, ts: 2000 }];
      commit({ runs: [runOf("r", "e", [2001], 2000)], keys });
      log.writer.expireKeys(0, 300);
      const left = [...log.reader.keys("r", 0, 1_000_000)].map((k) => k.offset);
      expect(left.length).toBeGreaterThanOrEqual(300);
      expect(left.length).toBeLessThan(1000);
      expect(left).toEqual(span(2002 - left.length, 2001));
    });

    test("a forgotten room leaves nothing, and may begin anew", () => {
      const keys = [{ room: "r", uid: "u", key: "k", offset: 1, ts: 1000 }];
      commit({ runs: [runOf("r", "e1", span(1, 5), 1000), runOf("s", "e1", [1], 1000)], keys });
      commit({ forget: [{ room: "r", olderThanTs: 1000 }] });
      expect(log.reader.room("r")?.head).toBe(5);
      commit({
        forget: [
          { room: "r", olderThanTs: 1001 },
          { room: "unknown", olderThanTs: 1 },
        ],
      });
      expect(log.reader.room("r")).toBeUndefined();
      expect(log.reader.list("", 10)).toEqual(["s"]);
      commit({ runs: [runOf("r", "e2", [1], 2000)] });
      expect(log.reader.room("r")).toEqual({ epoch: "e2", head: 1, ts: 2000, floor: 1 });
      expect(all("r")).toEqual(["1"]);
      expect([...log.reader.keys("r", 0, 10)]).toEqual([]);
    });

    test("forgotten and begun anew in one commit, in whatever order", () => {
      for (const first of [1, 6]) {
        const room = `r${first}`;
        commit({ runs: [runOf(room, "e1", span(1, 5), 1000)] });
        commit({ runs: [runOf(room, "e2", [first], 2000)], forget: [{ room, olderThanTs: 1500 }] });
        expect(log.reader.room(room)).toEqual({ epoch: "e2", head: first, ts: 2000, floor: first });
        expect(all(room, first - 1)).toEqual([`${first}`]);
      }
    });

    test("a room that is written to in the same commit is not forgotten", () => {
      commit({ runs: [runOf("r", "e1", span(1, 5), 1000)] });
      commit({ runs: [runOf("r", "e1", [6], 2000)], forget: [{ room: "r", olderThanTs: 1500 }] });
      expect(all("r")).toEqual(["1", "2", "3", "4", "5", "6"]);
    });

    test("another epoch from the first offset on takes the room over", () => {
      const keys = [{ room: "r", uid: "u", key: "k", offset: 1, ts: 1000 }];
      commit({ runs: [runOf("r", "e1", span(1, 5), 1000)], keys });
      commit({ runs: [runOf("r", "e2", [1, 2], 2000)] });
      expect(log.reader.room("r")).toEqual({ epoch: "e2", head: 2, ts: 2000, floor: 1 });
      expect(all("r")).toEqual(["1", "2"]);
      expect([...log.reader.keys("r", 0, 10)]).toEqual([]);
    });

    test("a clean stop keeps heads, a crash burns offsets, once per crash", async () => {
      commit({ runs: [runOf("r", "e1", span(1, 10)), runOf("s", "e1", [1])] });
      await log.restart("clean");
      expect(log.reader.room("r")?.head).toBe(10);
      await log.restart("crash");
      expect(log.reader.room("r")).toMatchObject({ epoch: "e1", head: 10 + BURN });
      expect(outline(log.reader.read("r", 9, 10 + BURN, NO_LIMITS))).toEqual(["10", `11-${10 + BURN} lost`]);
      await log.restart("crash");
      await log.restart("clean");
      expect(log.reader.room("r")?.head).toBe(10 + 2 * BURN);
      const next = 11 + 2 * BURN;
      commit({ runs: [runOf("r", "e1", [next])] });
      expect(log.reader.room("r")?.head).toBe(next);
      expect(all("r", 9)).toEqual(["10", `11-${next - 1} lost`, `${next}`]);
      await log.restart("crash");
      expect(log.reader.room("r")?.head).toBe(next + BURN);
      expect(log.reader.room("s")?.head).toBe(1 + 3 * BURN);
    });

    test("settings are kept beside the records, and the last ones count", async () => {
      commit({ runs: [runOf("r", "e1", [1], 1000)] });
      expect(log.reader.settings("r")).toBe("");
      commit({ settings: [settingsOf("r", "e1", 1, "a", 2000)] });
      expect(log.reader.settings("r")).toBe("a");
      expect(log.reader.room("r")).toEqual({ epoch: "e1", head: 1, ts: 2000, floor: 1 });
      commit({
        settings: [settingsOf("r", "e1", 1, "b", 3000), settingsOf("r", "e1", 2, "長い", 3000)],
        runs: [runOf("r", "e1", [2, 3], 4000), runOf("s", "e1", [1])],
      });
      for (const how of ["clean", "crash"] as const) {
        expect(log.reader.settings("r")).toBe("長い");
        expect(log.reader.settings("s")).toBe("");
        await log.restart(how);
      }
      commit({ settings: [settingsOf("r", "e1", 3 + BURN, "")] });
      expect(log.reader.settings("r")).toBe("");
      expect(log.reader.list("", 10)).toEqual(["r", "s"]);
    });

    test("a room with settings but no records is there, and a crash burns its offsets too", async () => {
      const hour = 3_600_000;
      commit({ settings: [settingsOf("r", "e1", 0, "a", 1000 * hour)] });
      expect(log.reader.room("r")).toEqual({ epoch: "e1", head: 0, ts: 1000 * hour, floor: 1 });
      expect([log.reader.count(), log.reader.list("", 10)]).toEqual([1, ["r"]]);
      expect(log.reader.positionOfLast("r", 10, 0)).toBe(0);
      expect(log.reader.untouchedSince(1001 * hour, 10)).toEqual(["r"]);
      await log.restart("clean");
      expect(log.reader.room("r")).toMatchObject({ epoch: "e1", head: 0 });
      await log.restart("crash");
      expect(log.reader.settings("r")).toBe("a");
      expect(log.reader.room("r")).toMatchObject({ epoch: "e1", head: BURN });
      expect(all("r")).toEqual([`1-${BURN} lost`]);
      commit({ runs: [runOf("r", "e1", [BURN + 1])] });
      expect(all("r")).toEqual([`1-${BURN} lost`, `${BURN + 1}`]);
      commit({ settings: [settingsOf("new", "e1", 0, "b")] });
      expect(log.reader.room("new")?.head).toBe(0);
    });

    test("a room's first records and settings in one commit", () => {
      commit({ settings: [settingsOf("r", "e1", 0, "a")], runs: [runOf("r", "e1", [1, 2])] });
      expect(log.reader.room("r")).toMatchObject({ epoch: "e1", head: 2, floor: 1 });
      expect(log.reader.settings("r")).toBe("a");
      expect(all("r")).toEqual(["1", "2"]);
    });

    test("a forgotten room's settings go with it; newer ones keep it", () => {
      const settings = (room: string, ts: number) => settingsOf(room, "e1", 5, "a", ts);
      commit({ runs: [runOf("r", "e1", span(1, 5), 1000)], settings: [settings("r", 2000)] });
      commit({ settings: [settingsOf("only", "e1", 0, "a", 2000)] });
      const forget = (olderThanTs: number) => ["r", "only"].map((room) => ({ room, olderThanTs }));
      commit({ forget: forget(2000) });
      expect(log.reader.list("", 10)).toEqual(["only", "r"]);
      commit({ forget: forget(2001) });
      expect([log.reader.count(), log.reader.settings("r"), log.reader.settings("only")]).toEqual([
        0,
        "",
        "",
      ]);
      commit({ runs: [runOf("r", "e2", [1], 3000)], settings: [settingsOf("only", "e2", 0, "", 3000)] });
      expect(log.reader.settings("r")).toBe("");
      expect(all("r")).toEqual(["1"]);
    });

    test("forgotten and set anew in one commit: nothing of the old epoch is left", () => {
      const keys = [{ room: "r", uid: "u", key: "k", offset: 1, ts: 1000 }];
      commit({ runs: [runOf("r", "e1", span(1, 5), 1000)], keys });
      commit({ settings: [settingsOf("r", "e2", 0, "a", 2000)], forget: [{ room: "r", olderThanTs: 1500 }] });
      expect(log.reader.room("r")).toEqual({ epoch: "e2", head: 0, ts: 2000, floor: 1 });
      expect([all("r"), log.reader.settings("r"), [...log.reader.keys("r", 0, 10)]]).toEqual([[], "a", []]);
    });

    test("what is read back is what was written, over any commits, crashes and page limits", async () => {
      const step = fc.record({
        room: fc.constantFrom("a", "b"),
        size: fc.integer({ min: 1, max: 300 }),
        hole: fc.integer({ min: 0, max: 3 }),
        stop: fc.constantFrom(
          "no" as const,
          "no" as const,
          "no" as const,
          "clean" as const,
          "crash" as const,
        ),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 1, maxLength: 12 }),
          fc.integer({ min: 1, max: 400 }),
          fc.integer({ min: 1, max: 20_000 }),
          async (steps, recordsMax, bytesMax) => {
            await log.dispose();
            log = await open({ retain: RETAIN, burn: BURN });
            const model = new Map<string, number[]>();
            for (const { room, size, hole, stop } of steps) {
              const from = (log.reader.room(room)?.head ?? 0) + 1 + hole;
              const offsets = model.get(room) ?? [];
              model.set(room, offsets);
              const added = span(from, from + size - 1);
              commit({ runs: [runOf(room, "e", added)] });
              offsets.push(...added);
              if (stop !== "no") await log.restart(stop);
            }
            for (const [room, offsets] of model)
              checkAgainst(log.reader, room, offsets, { recordsMax, bytesMax });
          },
        ),
        { numRuns: 40 },
      );
    }, 60_000);
  });
}

/** Reads a whole room page by page: every offset exactly once, by a record or a gap of the right reason. */
function checkAgainst(
  reader: LocalRoomLogReader,
  room: string,
  offsets: readonly number[],
  limits: { readonly recordsMax: number; readonly bytesMax: number },
): void {
  const stored = reader.room(room);
  if (stored === undefined) throw new Error(`room ${room} is gone`);
  const kept = offsets.filter((offset) => offset >= stored.floor);
  expect(kept.length).toBeGreaterThanOrEqual(Math.min(offsets.length, RETAIN));
  expect(kept.length).toBeLessThanOrEqual(RETAIN * 1.1);
  const seen: number[] = [];
  let next = 0;
  while (next < stored.head) {
    const page = reader.read(room, next, stored.head, limits);
    let count = 0;
    for (const record of decodeRecords(page.bytes)) {
      if (record.type === "gap") {
        expect(record.from).toBe(next + 1);
        expect(record.reason).toBe(record.to < stored.floor ? "trimmed" : "lost");
        next = record.to;
      } else if (record.type === "danmaku") {
        expect(record.offset).toBe(next + 1);
        seen.push(record.offset);
        next = record.offset;
        count++;
      }
    }
    expect(page.next).toBe(next);
    expect(page.count).toBe(count);
    expect(page.bytes.length > 0).toBe(true);
  }
  expect(seen).toEqual(kept);
  for (const records of [1, 5, 250, kept.length]) {
    const position = reader.positionOfLast(room, records, stored.head);
    expect(kept.filter((offset) => offset > position).length).toBe(Math.min(records, kept.length));
  }
}
