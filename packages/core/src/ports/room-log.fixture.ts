/** A log to try, and what goes into it: for the contract suite, and for tests of one implementation alone. */
import { decodeRecords, encodeDanmaku, encodeDelete, patchLogRecord, type WireRecord } from "@danmakud/wire";
import type {
  AppendBatch,
  AppendRun,
  AppendSettings,
  LocalRoomLogReader,
  LogPage,
  RoomLogWriter,
} from "./room-log.ts";

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

/** How every log of the suite is opened. */
export const RETAIN = 1000;
export const BURN = 500;

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

/** The log of the test that runs: another one for each. */
export interface LogInUse extends Pick<LogUnderTest, "writer" | "reader" | "restart"> {
  /** An empty one in its place. */
  renew(): Promise<void>;
  readonly commit: (batch: Partial<AppendBatch>) => void;
  /** Everything after `after`, as `outline` has it. */
  readonly all: (room: string, after?: number) => string[];
}
