import type { Statement } from "bun:sqlite";
import type { AppendKey } from "@danmakud/core/ports";
import type { Connection } from "./connection.ts";
import { KeyPacker } from "./key-codec.ts";
import { EXPIRE_ROOMS_MAX, EXPIRE_ROOMS_WAITING_MAX, EXPIRE_ROWS_MAX, KEYS_PER_ROW_MAX } from "./limits.ts";
import type { RoomEntry } from "./room-table.ts";

/** Writes and expires the rows of table `idem`. */
export class KeyRows {
  readonly #packer = new KeyPacker();
  readonly #insert: Statement<unknown, [number, number, number, number, number, Uint8Array]>;
  readonly #deleteAll: Statement<unknown, [number]>;
  readonly #deleteOlder: Statement<unknown, [number, number]>;
  readonly #deleteFirst: Statement<unknown, [number, number, number]>;
  /** Rooms that got keys since they were last looked at, by id, with the number of keys they ever had. */
  readonly #grown = new Map<number, number>();

  constructor(connection: Connection) {
    this.#insert = connection.prepare("INSERT INTO idem VALUES (?, ?, ?, ?, ?, ?)");
    this.#deleteAll = connection.prepare("DELETE FROM idem WHERE room = ?");
    this.#deleteOlder = connection.prepare("DELETE FROM idem WHERE ts < ? ORDER BY ts LIMIT ?");
    this.#deleteFirst = connection.prepare(
      "DELETE FROM idem WHERE room = ? AND seq <= ? ORDER BY seq LIMIT ?",
    );
  }

  /** Writes the keys that the present commit has for a room. @hot */
  append(entry: RoomEntry): void {
    const keys = entry.newKeys;
    for (let from = 0; from < keys.length; from += KEYS_PER_ROW_MAX) {
      const to = Math.min(keys.length, from + KEYS_PER_ROW_MAX);
      const body = this.#packer.pack(keys, from, to);
      const newest = keys[to - 1] as AppendKey;
      this.#insert.run(newest.ts, entry.id, entry.keys, to - from, Bun.hash.crc32(body), body);
      entry.keys += to - from;
    }
  }

  /** Deletes all keys of a room. */
  deleteAll(entry: RoomEntry): void {
    this.#deleteAll.run(entry.id);
    this.#grown.delete(entry.id);
  }

  /** Remembers a room whose new keys are committed. @hot */
  committed(entry: RoomEntry): void {
    if (this.#grown.size < EXPIRE_ROOMS_WAITING_MAX || this.#grown.has(entry.id)) {
      this.#grown.set(entry.id, entry.keys);
    }
  }

  /**
   * Deletes rows whose newest key is older than `beforeTs`, and rows wholly beyond the newest `perRoomMax` keys, each
   * up to a limit. Within a transaction.
   */
  expire(beforeTs: number, perRoomMax: number): void {
    this.#deleteOlder.run(beforeTs, EXPIRE_ROWS_MAX);
    let rows = EXPIRE_ROWS_MAX;
    let rooms = EXPIRE_ROOMS_MAX;
    for (const [id, keys] of this.#grown) {
      if (rooms-- === 0) break;
      // A row starts at `seq`; the number of its keys is not in the index, so the longest row is assumed.
      const beyond = keys - perRoomMax - KEYS_PER_ROW_MAX;
      if (beyond >= 0) rows -= this.#deleteFirst.run(id, beyond, rows).changes;
      if (rows <= 0) break;
      this.#grown.delete(id);
    }
  }
}
