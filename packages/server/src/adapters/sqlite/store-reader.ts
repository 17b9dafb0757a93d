import type { Statement } from "bun:sqlite";
import type {
  LocalRoomLogReader,
  LogPage,
  PageLimits,
  Sanction,
  SanctionKind,
  ScheduledDanmaku,
  StoredKey,
  StoredRoom,
} from "@danmakud/core/ports";
import { PageBuilder } from "@danmakud/core/rooms";
import { recordOffset, recordStride } from "@danmakud/wire";
import { Connection } from "./connection.ts";
import { damaged, storeError } from "./errors.ts";
import { logPath } from "./files.ts";
import { unpackKeys } from "./key-codec.ts";
import { AGE_STEP_MS, BUSY_MS, FETCH_ROWS_MAX, KEYS_PER_ROW_MAX, READER_CACHE_KIB } from "./limits.ts";
import { faultOfRow, type LogRow } from "./log-body.ts";
import { epochOfNewLife } from "./run-state.ts";
import { SanctionRowReader } from "./sanction-rows.ts";
import { ScheduledReader } from "./scheduled-rows.ts";

/** What `openReader` needs. */
export interface ReaderOptions {
  readonly dir: string;
}

/**
 * Opens the log for reading, on any thread and as often as wanted; readers do not hold up the writer. The writer must
 * have been opened before. Generation and life are read with every call, so a reader goes on when the writer is opened
 * anew.
 *
 * @throws StoreError
 */
export function openReader(options: ReaderOptions): LocalRoomLogReader {
  let connection: Connection | undefined;
  try {
    connection = new Connection(logPath(options.dir), "read");
    connection.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    connection.run(`PRAGMA cache_size = -${READER_CACHE_KIB}`);
    return new SqliteReader(connection, options.dir);
  } catch (error) {
    connection?.close();
    throw storeError(error, options.dir);
  }
}

interface RoomRow {
  readonly id: number;
  readonly epoch: string;
  readonly head: number;
  readonly ts: number;
  readonly floor: number;
  readonly keys: number;
  /** 1 where the room was last written in an older life. */
  readonly outdated: number;
  readonly seed: string;
}

interface KeyRow {
  readonly seq: number;
  readonly n: number;
  readonly sum: number;
  readonly body: Uint8Array;
}

type Span = Pick<LogRow, "first" | "last" | "records">;

class SqliteReader implements LocalRoomLogReader {
  readonly #connection: Connection;
  readonly #dir: string;
  readonly #begin: Statement<unknown, []>;
  readonly #commit: Statement<unknown, []>;
  readonly #room: Statement<RoomRow, [string]>;
  readonly #rowAt: Statement<Pick<LogRow, "first" | "last">, [number, number]>;
  readonly #rowsFrom: Statement<LogRow, [number, number, number]>;
  readonly #spansDown: Statement<Span, [number, number, number]>;
  readonly #row: Statement<LogRow, [number, number]>;
  readonly #keys: Statement<KeyRow, [number, number, number, number]>;
  readonly #settings: Statement<{ body: string }, [string]>;
  readonly #list: Statement<{ name: string }, [string, number]>;
  readonly #count: Statement<{ n: number }, []>;
  readonly #untouched: Statement<{ name: string }, [number, number, number]>;
  readonly #scheduled: ScheduledReader;
  readonly #sanctions: SanctionRowReader;

  constructor(connection: Connection, dir: string) {
    this.#connection = connection;
    this.#dir = dir;
    this.#begin = connection.prepare("BEGIN");
    this.#commit = connection.prepare("COMMIT");
    this.#room = connection.prepare(
      `SELECT r.id, r.epoch, r.head + (m.burned - r.burned) AS head, r.ts, r.floor, r.keys, r.life <> m.life AS outdated,
       m.seed FROM room r, meta m WHERE r.name = ?`,
    );
    this.#rowAt = connection.prepare(
      "SELECT first, last FROM log WHERE room = ? AND first <= ? ORDER BY first DESC LIMIT 1",
    );
    this.#rowsFrom = connection.prepare(
      "SELECT first, last, records, sum, body FROM log WHERE room = ? AND first >= ? ORDER BY first LIMIT ?",
    );
    this.#spansDown = connection.prepare(
      "SELECT first, last, records FROM log WHERE room = ? AND first <= ? ORDER BY first DESC LIMIT ?",
    );
    this.#row = connection.prepare(
      "SELECT first, last, records, sum, body FROM log WHERE room = ? AND first = ?",
    );
    this.#keys = connection.prepare(
      "SELECT seq, n, sum, body FROM idem WHERE room = ? AND seq > ? AND ts >= ? ORDER BY seq LIMIT ?",
    );
    this.#settings = connection.prepare(
      "SELECT s.body FROM room r JOIN settings s ON s.room = r.id WHERE r.name = ?",
    );
    this.#list = connection.prepare("SELECT name FROM room WHERE name > ? ORDER BY name LIMIT ?");
    this.#count = connection.prepare("SELECT count(*) AS n FROM room");
    this.#scheduled = new ScheduledReader(connection, dir);
    this.#sanctions = new SanctionRowReader(connection, dir);
    this.#untouched = connection.prepare(
      "SELECT name FROM room WHERE age <= ? AND ts < ? ORDER BY age LIMIT ?",
    );
  }

  room(name: string): StoredRoom | undefined {
    return this.#guard(() => {
      const row = this.#room.get(name);
      if (row === null) return undefined;
      const epoch = row.outdated === 1 ? epochOfNewLife(row.seed, name) : row.epoch;
      return { epoch, head: row.head, ts: row.ts, floor: row.floor };
    });
  }

  read(name: string, after: number, through: number, limits: PageLimits): LogPage {
    return this.#snapshot(() => {
      const page = new PageBuilder(after, limits);
      const room = this.#room.get(name);
      // Offsets above the head may be on their way to the log, so nothing can be said of them yet.
      const end = Math.min(through, room?.head ?? 0);
      if (room === null || end <= after) return page.finish();
      if (!page.gap(Math.min(room.floor - 1, end), "trimmed")) return page.finish();
      if (this.#fill(page, room.id, end)) page.gap(end, "lost");
      return page.finish();
    });
  }

  positionOfLast(name: string, records: number, through: number): number {
    return this.#snapshot(() => {
      const room = this.#room.get(name);
      if (room === null || records <= 0) return through;
      let left = records;
      let oldest: number | undefined;
      let below = through;
      for (;;) {
        const spans = this.#spansDown.all(room.id, below, FETCH_ROWS_MAX);
        for (const span of spans) {
          if (span.last > through || span.records > left) {
            const offsets = this.#offsets(room.id, span.first, through);
            const from = offsets[Math.max(0, offsets.length - left)];
            left -= offsets.length;
            oldest = from ?? oldest;
          } else {
            left -= span.records;
            oldest = span.first;
          }
          if (left <= 0) return (oldest ?? through + 1) - 1;
          below = span.first - 1;
        }
        if (spans.length < FETCH_ROWS_MAX) return oldest === undefined ? through : oldest - 1;
      }
    });
  }

  keys(name: string, sinceTs: number, keysMax: number): StoredKey[] {
    return this.#snapshot(() => {
      const room = this.#room.get(name);
      if (room === null) return [];
      const found: StoredKey[] = [];
      const from = room.keys - keysMax;
      let seq = from - KEYS_PER_ROW_MAX;
      for (;;) {
        const rows = this.#keys.all(room.id, seq, sinceTs, FETCH_ROWS_MAX);
        for (const row of rows) {
          if (Bun.hash.crc32(row.body) !== row.sum)
            throw damaged(this.#dir, "checksum of keys does not match");
          const keys = unpackKeys(row.body);
          for (let i = Math.max(0, from - row.seq); i < keys.length; i++) {
            const key = keys[i] as StoredKey;
            if (key.ts >= sinceTs) found.push(key);
          }
          seq = row.seq;
        }
        if (rows.length < FETCH_ROWS_MAX) return found;
      }
    });
  }

  settings(name: string): string {
    return this.#guard(() => this.#settings.get(name)?.body ?? "");
  }

  scheduled(
    room: string,
    after: { readonly deliverAt: number; readonly number: number },
    limit: number,
  ): ScheduledDanmaku[] {
    return this.#guard(() => this.#scheduled.ofRoom(room, after, limit));
  }

  isScheduled(room: string, number: number): boolean {
    return this.#guard(() => this.#scheduled.roomOf(number) === room);
  }

  allScheduled(): ScheduledDanmaku[] {
    return this.#guard(() => this.#scheduled.all());
  }

  lastScheduled(): number {
    return this.#guard(() => this.#scheduled.last());
  }

  sanctions(room: string, kind: SanctionKind, now: number, after: string, limit: number): Sanction[] {
    return this.#guard(() => this.#sanctions.ofRoom(room, kind, now, after, limit));
  }

  bannedUntil(room: string, uid: string): number {
    return this.#guard(() => this.#sanctions.bannedUntil(room, uid));
  }

  allSanctions(): Sanction[] {
    return this.#guard(() => this.#sanctions.all());
  }

  list(after: string, limit: number): string[] {
    return this.#guard(() => this.#list.all(after, limit).map((row) => row.name));
  }

  count(): number {
    return this.#guard(() => this.#count.get()?.n ?? 0);
  }

  untouchedSince(ts: number, limit: number): string[] {
    const age = Math.floor(ts / AGE_STEP_MS);
    return this.#guard(() => this.#untouched.all(age, ts, limit).map((row) => row.name));
  }

  close(): void {
    this.#connection.close();
  }

  /** Adds the stored records up to `end`; true where there are no more, false where the page is full. */
  #fill(page: PageBuilder, room: number, end: number): boolean {
    const start = this.#rowAt.get(room, page.next + 1);
    let from = start !== null && start.last > page.next ? start.first : page.next + 1;
    // Few at first: a row may hold one record or 256.
    let fetch = 4;
    for (;;) {
      const rows = this.#rowsFrom.all(room, from, fetch);
      let records = 0;
      for (const row of rows) {
        if (row.first > end) return true;
        if (!this.#addRow(page, row, end)) return false;
        records += row.records;
        from = row.last + 1;
      }
      if (rows.length < fetch) return true;
      if (page.recordsLeft <= 0) return page.next >= end;
      fetch = Math.min(FETCH_ROWS_MAX, Math.ceil((page.recordsLeft * rows.length) / records) + 1);
    }
  }

  #addRow(page: PageBuilder, row: LogRow, end: number): boolean {
    this.#check(row);
    const { body } = row;
    for (let at = 0; at < body.length; ) {
      const stride = recordStride(body, at);
      const offset = recordOffset(body, at);
      if (offset > end) return true;
      if (offset > page.next && !page.record(body, at, stride, offset)) return false;
      at += stride;
    }
    return true;
  }

  /** Offsets of a row's records up to `through`. */
  #offsets(room: number, first: number, through: number): number[] {
    const row = this.#row.get(room, first);
    if (row === null) throw damaged(this.#dir, "a row is gone");
    this.#check(row);
    const offsets: number[] = [];
    for (let at = 0; at < row.body.length; at += recordStride(row.body, at)) {
      const offset = recordOffset(row.body, at);
      if (offset <= through) offsets.push(offset);
    }
    return offsets;
  }

  #check(row: LogRow): void {
    const fault = faultOfRow(row);
    if (fault !== undefined) throw damaged(this.#dir, fault);
  }

  /** Several queries that see one state of the log. */
  #snapshot<T>(work: () => T): T {
    return this.#guard(() => {
      this.#begin.run();
      try {
        return work();
      } finally {
        // SQLite ends the transaction by itself after some errors.
        if (this.#connection.db.inTransaction) this.#commit.run();
      }
    });
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.#dir);
    }
  }
}
