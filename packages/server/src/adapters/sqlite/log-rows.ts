import type { Statement } from "bun:sqlite";
import assert from "node:assert/strict";
import type { AppendRun } from "@danmakud/core/ports";
import { RECORD_TYPES, recordOffset, recordStride, recordType } from "@danmakud/wire";
import type { Connection } from "./connection.ts";
import { RETAIN_SLACK, ROW_BYTES_MAX, ROW_RECORDS_MAX, TRIM_ROWS_FETCHED, TRIM_ROWS_MAX } from "./limits.ts";
import type { RoomEntry } from "./room-table.ts";

/** Bytes of the scratch buffer that are kept from commit to commit. */
const SCRATCH_BYTES_KEPT = 1024 * 1024;

interface RowSize {
  readonly first: number;
  readonly last: number;
  readonly danmaku: number;
}

/** Writes and trims the rows of table `log`. */
export class LogRows {
  readonly #retain: number;
  readonly #slack: number;
  readonly #rowRecordsMax: number;
  readonly #insert: Statement<unknown, [number, number, number, number, number, number, Uint8Array]>;
  readonly #oldest: Statement<RowSize, [number, number, number]>;
  readonly #deleteBelow: Statement<unknown, [number, number]>;
  readonly #deleteAll: Statement<unknown, [number]>;
  /** Runs of a room put together, where a commit has several. */
  #scratch = new Uint8Array(ROW_BYTES_MAX);

  constructor(connection: Connection, retain: number) {
    this.#retain = Math.max(1, retain);
    this.#slack = Math.floor(this.#retain * RETAIN_SLACK);
    this.#rowRecordsMax = Math.min(ROW_RECORDS_MAX, Math.max(1, this.#slack));
    this.#insert = connection.prepare("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)");
    this.#oldest = connection.prepare(
      "SELECT first, last, records - deletes AS danmaku FROM log WHERE room = ? AND first >= ? ORDER BY first LIMIT ?",
    );
    this.#deleteBelow = connection.prepare("DELETE FROM log WHERE room = ? AND first < ?");
    this.#deleteAll = connection.prepare("DELETE FROM log WHERE room = ?");
  }

  /** Appends the room's runs `from` up to `to - 1`, which are of one epoch and above its head. @hot */
  append(entry: RoomEntry, from: number, to: number): void {
    const runs = entry.newRuns;
    const only = runs[from] as AppendRun;
    if (to - from === 1) this.#cut(entry, only.bytes, only.bytes.length);
    else this.#cut(entry, this.#scratch, this.#join(runs, from, to));
    const newest = runs[to - 1] as AppendRun;
    assert(entry.head === newest.last, "last offset of a run is not that of its last record");
    entry.ts = newest.ts;
    if (entry.danmaku > this.#retain + this.#slack) this.#trim(entry);
  }

  /** Deletes all records of a room. */
  deleteAll(entry: RoomEntry): void {
    this.#deleteAll.run(entry.id);
    entry.danmaku = 0;
  }

  /** Keeps memory bounded after a large commit. */
  shrink(): void {
    if (this.#scratch.length > SCRATCH_BYTES_KEPT) this.#scratch = new Uint8Array(ROW_BYTES_MAX);
  }

  /** Puts runs back to back into the scratch buffer; returns their bytes. */
  #join(runs: readonly AppendRun[], from: number, to: number): number {
    let total = 0;
    for (let i = from; i < to; i++) total += (runs[i] as AppendRun).bytes.length;
    if (total > this.#scratch.length) this.#scratch = new Uint8Array(2 ** Math.ceil(Math.log2(total)));
    let at = 0;
    for (let i = from; i < to; i++) {
      const { bytes } = runs[i] as AppendRun;
      this.#scratch.set(bytes, at);
      at += bytes.length;
    }
    return total;
  }

  /** Cuts records into rows by number and bytes. */
  #cut(entry: RoomEntry, bytes: Uint8Array, end: number): void {
    let start = 0;
    let records = 0;
    let deletes = 0;
    let last = entry.head;
    for (let at = 0; at < end; ) {
      const stride = recordStride(bytes, at);
      assert(stride >= 16 && at + stride <= end, "run is not made of whole records");
      if (records === this.#rowRecordsMax || (records > 0 && at + stride - start > ROW_BYTES_MAX)) {
        this.#put(entry, bytes, start, at, records, deletes, last);
        start = at;
        records = 0;
        deletes = 0;
      }
      const offset = recordOffset(bytes, at);
      assert(offset > last, "offsets of a room do not increase");
      last = offset;
      records++;
      if (recordType(bytes, at) === RECORD_TYPES.delete) deletes++;
      at += stride;
    }
    assert(records > 0, "run is empty");
    this.#put(entry, bytes, start, end, records, deletes, last);
    entry.head = last;
  }

  #put(
    entry: RoomEntry,
    bytes: Uint8Array,
    start: number,
    end: number,
    records: number,
    deletes: number,
    last: number,
  ): void {
    const body = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
    this.#insert.run(
      entry.id,
      recordOffset(bytes, start),
      last,
      records,
      deletes,
      Bun.hash.crc32(body),
      body,
    );
    entry.danmaku += records - deletes;
  }

  /** Deletes the oldest rows as long as `retain` danmaku are left. */
  #trim(entry: RoomEntry): void {
    let rows = 0;
    let left = entry.danmaku;
    let from = entry.floor;
    for (;;) {
      const oldest = this.#oldest.all(entry.id, from, TRIM_ROWS_FETCHED);
      for (const row of oldest) {
        if (left - row.danmaku < this.#retain || rows === TRIM_ROWS_MAX) {
          if (rows > 0) this.#deleteBelow.run(entry.id, row.first);
          entry.floor = row.first;
          entry.danmaku = left;
          return;
        }
        rows++;
        left -= row.danmaku;
        from = row.last + 1;
      }
      assert(oldest.length > 0, "a room has fewer danmaku than counted");
    }
  }
}
