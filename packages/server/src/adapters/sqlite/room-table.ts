import type { Statement } from "bun:sqlite";
import type { AppendKey, AppendRun, AppendSettings } from "@danmakud/core/ports";
import type { Connection } from "./connection.ts";
import { AGE_STEP_MS, ROOMS_CACHED_MAX } from "./limits.ts";

/** A room as stored, changed in memory during a commit and saved at its end. Only the writer has these. */
export class RoomEntry {
  readonly id: number;
  readonly name: string;
  epoch: string;
  head: number;
  ts: number;
  age: number;
  floor: number;
  burned: number;
  life: number;
  /** Danmaku stored. */
  danmaku: number;
  /** Keys ever written. */
  keys: number;
  /** What the present commit has for the room. */
  readonly newRuns: AppendRun[] = [];
  readonly newKeys: AppendKey[] = [];
  newSettings: AppendSettings | undefined;

  constructor(row: RoomRow) {
    this.id = row.id;
    this.name = row.name;
    this.epoch = row.epoch;
    this.head = row.head;
    this.ts = row.ts;
    this.age = row.age;
    this.floor = row.floor;
    this.burned = row.burned;
    this.life = row.life;
    this.danmaku = row.danmaku;
    this.keys = row.keys;
  }
}

interface RoomRow {
  readonly id: number;
  readonly name: string;
  readonly epoch: string;
  readonly head: number;
  readonly ts: number;
  readonly age: number;
  readonly floor: number;
  readonly burned: number;
  readonly life: number;
  readonly danmaku: number;
  readonly keys: number;
}

/** The rows of table `room` for the writer, the most recent ones in memory. */
export class RoomTable {
  readonly #entries = new Map<string, RoomEntry>();
  readonly #find: Statement<RoomRow, [string]>;
  readonly #insert: Statement<unknown, [string, string, number]>;
  readonly #update: Statement<unknown, [number, number, number, number, number, number]>;
  readonly #updateWhole: Statement<
    unknown,
    [number, number, number, number, number, string, number, number, number, number]
  >;
  readonly #remove: Statement<unknown, [number]>;

  constructor(connection: Connection) {
    this.#find = connection.prepare("SELECT * FROM room WHERE name = ?");
    this.#insert = connection.prepare("INSERT INTO room VALUES (NULL, ?, ?, 0, 0, 0, ?, 0, 0, 0, 0)");
    this.#update = connection.prepare(
      "UPDATE room SET head = ?, ts = ?, floor = ?, danmaku = ?, keys = ? WHERE id = ?",
    );
    this.#updateWhole = connection.prepare(
      "UPDATE room SET head = ?, ts = ?, floor = ?, danmaku = ?, keys = ?, epoch = ?, burned = ?, life = ?, age = ? WHERE id = ?",
    );
    this.#remove = connection.prepare("DELETE FROM room WHERE id = ?");
  }

  /** The room, if it is stored. @hot */
  find(name: string): RoomEntry | undefined {
    const cached = this.#entries.get(name);
    if (cached !== undefined) return cached;
    const row = this.#find.get(name);
    if (row === null) return undefined;
    const entry = new RoomEntry(row);
    this.#entries.set(name, entry);
    return entry;
  }

  /** Stores a new room, with nothing in it yet. */
  create(name: string, epoch: string, floor: number): RoomEntry {
    const id = Number(this.#insert.run(name, epoch, floor).lastInsertRowid);
    const row = { id, name, epoch, head: 0, ts: 0, age: 0, floor, burned: 0, life: 0, danmaku: 0, keys: 0 };
    const entry = new RoomEntry(row);
    this.#entries.set(name, entry);
    return entry;
  }

  /** Saves what changes with every commit, and the rest only where it changed (`whole`) or the age step did. @hot */
  save(entry: RoomEntry, whole: boolean): void {
    const age = Math.floor(entry.ts / AGE_STEP_MS);
    const { head, ts, floor, danmaku, keys, id } = entry;
    if (!whole && age === entry.age) {
      this.#update.run(head, ts, floor, danmaku, keys, id);
      return;
    }
    entry.age = age;
    this.#updateWhole.run(head, ts, floor, danmaku, keys, entry.epoch, entry.burned, entry.life, age, id);
  }

  /** Deletes the row; what the other tables have for the room is the caller's to delete. */
  remove(entry: RoomEntry): void {
    this.#remove.run(entry.id);
    this.#entries.delete(entry.name);
  }

  /** Drops everything from memory: what is there may never have been stored. */
  forgetMemory(): void {
    this.#entries.clear();
  }

  /** Keeps the memory within its limit; between commits only. The rooms cached first go first. */
  shrink(): void {
    let over = this.#entries.size - ROOMS_CACHED_MAX;
    if (over <= 0) return;
    for (const name of this.#entries.keys()) {
      this.#entries.delete(name);
      if (--over <= 0) break;
    }
  }
}
