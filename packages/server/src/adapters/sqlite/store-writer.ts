import type { Statement } from "bun:sqlite";
import assert from "node:assert/strict";
import type { AppendBatch, AppendRun, AppendSettings, Durability, RoomLogWriter } from "@danmakud/core/ports";
import { Connection } from "./connection.ts";
import { inUse, storeError } from "./errors.ts";
import { checkFile } from "./file-check.ts";
import { logPath } from "./files.ts";
import { KeyRows } from "./key-rows.ts";
import { BUSY_MS, CHECKPOINT_PAGES, WAL_BYTES_KEPT, WRITER_CACHE_KIB } from "./limits.ts";
import { LogRows } from "./log-rows.ts";
import { type RoomEntry, RoomTable } from "./room-table.ts";
import { endRun, type RunState, startRun } from "./run-state.ts";
import { SanctionRows } from "./sanction-rows.ts";
import { ScheduledRows } from "./scheduled-rows.ts";
import { migrate } from "./schema.ts";
import { SettingsRows } from "./settings-rows.ts";

/** What `openWriter` needs. */
export interface WriterOptions {
  readonly dir: string;
  readonly durability: Durability;
  /** Danmaku kept per room at least; up to a tenth more may be there. */
  readonly retain: number;
  /** Most offsets per room that this run's sequencer can be ahead of the journal. */
  readonly burn: number;
  /** Names this boot of the machine (`/proc/sys/kernel/random/boot_id`); "" where unknown, which is taken as another boot. */
  readonly bootId: string;
  /** The clock, Unix ms. */
  readonly now: () => number;
  /** Largest size of the file in pages of 4 KiB, beyond which the log is `full`. Default: what the disk holds. */
  readonly pagesMax?: number;
}

/** The write side of the embedded log. */
export interface StoreWriter extends RoomLogWriter {
  /** Unclean starts so far. */
  readonly generation: number;
  /** Lives so far: grows when a reboot may have lost what was not yet on the disk; every room then has a new epoch. */
  readonly life: number;
  /** Whether the run before this one stopped without `close`. */
  readonly unclean: boolean;
}

/** How SQLite's levels of `synchronous` give the durabilities: FULL syncs each commit, NORMAL only checkpoints. */
const SYNCHRONOUS = { fsync: "FULL", os: "NORMAL", none: "OFF" } as const satisfies Record<
  Durability,
  string
>;

/**
 * Opens the log for writing, makes it or brings it to the present format, and marks a run as started. Whatever the
 * durability, the start and a clean stop are synced to the disk, since all that is said about crashes rests on them.
 *
 * One writer at a time; where a second is opened nevertheless (a journal thread that was ended and came back), the
 * first can write no more. Hold the folder (`lockFolder`) before.
 *
 * @throws StoreError of any kind
 */
export function openWriter(options: WriterOptions): StoreWriter {
  const { dir } = options;
  let connection: Connection | undefined;
  try {
    connection = new Connection(logPath(dir), "write");
    const { db } = connection;
    db.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    migrate(db, dir);
    checkFile(db, dir);
    db.run(`PRAGMA cache_size = -${WRITER_CACHE_KIB}`);
    db.run(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    db.run(`PRAGMA journal_size_limit = ${WAL_BYTES_KEPT}`);
    if (options.pagesMax !== undefined) db.run(`PRAGMA max_page_count = ${options.pagesMax}`);
    // macOS: without these a sync stops at the disk's own cache.
    db.run("PRAGMA fullfsync = ON");
    db.run("PRAGMA checkpoint_fullfsync = ON");
    db.run("PRAGMA synchronous = FULL");
    const { burn, bootId, durability } = options;
    const start = { burn, bootId, synced: durability === "fsync", nowMs: options.now() };
    const { unclean, state } = startRun(db, dir, start);
    db.run(`PRAGMA synchronous = ${SYNCHRONOUS[durability]}`);
    return new SqliteWriter(connection, options, state, unclean);
  } catch (error) {
    connection?.close();
    throw storeError(error, dir);
  }
}

class SqliteWriter implements StoreWriter {
  readonly generation: number;
  readonly life: number;
  readonly unclean: boolean;
  readonly #connection: Connection;
  readonly #dir: string;
  readonly #burned: number;
  readonly #rooms: RoomTable;
  readonly #log: LogRows;
  readonly #keys: KeyRows;
  readonly #settings: SettingsRows;
  readonly #scheduled: ScheduledRows;
  readonly #sanctions: SanctionRows;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollback: Statement;
  readonly #generationNow: Statement<{ generation: number }, []>;
  readonly #touched: RoomEntry[] = [];
  #open = true;

  constructor(connection: Connection, options: WriterOptions, state: RunState, unclean: boolean) {
    this.#connection = connection;
    this.#dir = options.dir;
    this.generation = state.generation;
    this.life = state.life;
    this.unclean = unclean;
    this.#burned = state.burned;
    this.#rooms = new RoomTable(connection);
    this.#log = new LogRows(connection, options.retain);
    this.#keys = new KeyRows(connection);
    this.#settings = new SettingsRows(connection);
    this.#scheduled = new ScheduledRows(connection);
    this.#sanctions = new SanctionRows(connection);
    this.#begin = connection.prepare("BEGIN IMMEDIATE");
    this.#commit = connection.prepare("COMMIT");
    this.#rollback = connection.prepare("ROLLBACK");
    this.#generationNow = connection.prepare("SELECT generation FROM meta");
  }

  commit(batch: AppendBatch): void {
    this.#transaction(() => this.#apply(batch));
    for (const entry of this.#touched) if (entry.newKeys.length > 0) this.#keys.committed(entry);
    this.#release();
    this.#rooms.shrink();
    this.#log.shrink();
  }

  expireKeys(beforeTs: number, keysPerRoomMax: number): void {
    this.#transaction(() => this.#keys.expire(beforeTs, keysPerRoomMax));
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      endRun(this.#connection.db, this.generation);
    } catch (error) {
      throw storeError(error, this.#dir);
    } finally {
      this.#connection.close();
    }
  }

  /** All or nothing; after a failure nothing of it is left in memory either. */
  #transaction(work: () => void): void {
    assert(this.#open, "the log is closed");
    try {
      this.#begin.run();
      if (this.#generationNow.get()?.generation !== this.generation) {
        throw inUse(this.#dir, "another writer has taken over");
      }
      work();
      this.#commit.run();
    } catch (error) {
      this.#undo();
      throw storeError(error, this.#dir);
    }
  }

  #undo(): void {
    this.#release();
    this.#rooms.forgetMemory();
    // SQLite has rolled back by itself after some errors, and a failed roll-back has nothing to add to the first error.
    if (this.#connection.db.inTransaction) this.#rollback.run();
  }

  #release(): void {
    for (const entry of this.#touched) {
      entry.newRuns.length = 0;
      entry.newKeys.length = 0;
      entry.newSettings = undefined;
    }
    this.#touched.length = 0;
  }

  /** @hot Guarded by `bench ingest`. */
  #apply(batch: AppendBatch): void {
    if (batch.forget.length > 0) this.#forgetBefore(batch);
    for (const run of batch.runs) {
      const entry = this.#rooms.find(run.room) ?? this.#rooms.create(run.room, run.epoch, run.first);
      if (entry.newRuns.push(run) === 1) this.#touched.push(entry);
    }
    for (const key of batch.keys) {
      const entry = this.#rooms.find(key.room);
      assert(entry !== undefined, "a key belongs to a room with records");
      if (entry.newKeys.push(key) === 1 && entry.newRuns.length === 0) this.#touched.push(entry);
    }
    for (const settings of batch.settings) {
      const { room, epoch, head } = settings;
      const entry = this.#rooms.find(room) ?? this.#rooms.create(room, epoch, head + 1);
      if (entry.newSettings === undefined && entry.newRuns.length === 0 && entry.newKeys.length === 0) {
        this.#touched.push(entry);
      }
      entry.newSettings = settings;
    }
    for (const entry of this.#touched) this.#write(entry);
    for (const scheduled of batch.schedule) this.#scheduled.add(scheduled);
    for (const number of batch.unschedule) this.#scheduled.remove(number);
    for (const sanction of batch.sanctions) this.#sanctions.set(sanction);
    for (const { room, olderThanTs } of batch.forget) this.#forget(room, olderThanTs);
  }

  #write(entry: RoomEntry): void {
    const runs = entry.newRuns;
    let whole = false;
    for (let from = 0; from < runs.length; ) {
      const run = runs[from] as AppendRun;
      let to = from + 1;
      while (to < runs.length && (runs[to] as AppendRun).epoch === run.epoch) to++;
      const next = entry.head + this.#burned - entry.burned + 1;
      assert(
        entry.head === 0 || entry.epoch !== run.epoch || run.first >= next,
        "an offset would be used twice",
      );
      whole = this.#enter(entry, run.epoch, run.first) || whole;
      this.#log.append(entry, from, to);
      from = to;
    }
    if (entry.newKeys.length > 0) this.#keys.append(entry);
    if (entry.newSettings !== undefined) whole = this.#set(entry, entry.newSettings) || whole;
    this.#rooms.save(entry, whole);
  }

  /** Gives the room its settings. Returns whether its epoch, life or burns changed. */
  #set(entry: RoomEntry, settings: AppendSettings): boolean {
    const entered = this.#enter(entry, settings.epoch, settings.head + 1);
    this.#settings.set(entry, settings.text);
    entry.ts = Math.max(entry.ts, settings.ts);
    return entered;
  }

  /**
   * Makes the room ready for what comes from offset `first` on: in a new epoch what is stored stays only where it is
   * below that. Returns whether the room's epoch, life or burns changed.
   */
  #enter(entry: RoomEntry, epoch: string, first: number): boolean {
    const sameLog = entry.epoch === epoch;
    if (!sameLog) {
      if (first <= entry.head) {
        this.#log.deleteAll(entry);
        this.#keys.deleteAll(entry);
        entry.head = 0;
      }
      if (entry.head === 0) entry.floor = first;
    }
    if (sameLog && entry.burned === this.#burned && entry.life === this.life) return false;
    entry.epoch = epoch;
    entry.burned = this.#burned;
    entry.life = this.life;
    return true;
  }

  /**
   * Forgets rooms that the batch itself begins anew in another epoch, before that is written, so that nothing of the
   * old one is left. The others are forgotten after the batch's runs, which may have made them new again.
   */
  #forgetBefore(batch: AppendBatch): void {
    const epochs = new Map<string, string>();
    for (const { room, epoch } of batch.runs) if (!epochs.has(room)) epochs.set(room, epoch);
    for (const { room, epoch } of batch.settings) if (!epochs.has(room)) epochs.set(room, epoch);
    for (const { room, olderThanTs } of batch.forget) {
      const epoch = epochs.get(room);
      if (epoch !== undefined && epoch !== this.#rooms.find(room)?.epoch) this.#forget(room, olderThanTs);
    }
  }

  #forget(room: string, olderThanTs: number): void {
    const entry = this.#rooms.find(room);
    if (entry === undefined || entry.ts >= olderThanTs) return;
    this.#log.deleteAll(entry);
    this.#keys.deleteAll(entry);
    this.#settings.set(entry, "");
    this.#rooms.remove(entry);
  }
}
