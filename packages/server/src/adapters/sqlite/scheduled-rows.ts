import type { Statement } from "bun:sqlite";
import type { ScheduledDanmaku } from "@danmakud/core/ports";
import type { Connection } from "./connection.ts";
import { damaged } from "./errors.ts";

/** Writes the rows of table `scheduled`: one for each danmaku that waits for its time. */
export class ScheduledRows {
  readonly #insert: Statement<unknown, [number, string, number, string, number, Uint8Array]>;
  readonly #delete: Statement<unknown, [number]>;

  constructor(connection: Connection) {
    this.#insert = connection.prepare("INSERT INTO scheduled VALUES (?, ?, ?, ?, ?, ?)");
    this.#delete = connection.prepare("DELETE FROM scheduled WHERE number = ?");
  }

  add({ number, room, deliverAt, key, record }: ScheduledDanmaku): void {
    this.#insert.run(number, room, deliverAt, key, Number(Bun.hash.crc32(record)), record);
  }

  remove(number: number): void {
    this.#delete.run(number);
  }
}

interface ScheduledRow {
  readonly number: number;
  readonly room: string;
  readonly deliver_at: number;
  readonly key: string;
  readonly sum: number;
  readonly body: Uint8Array;
}

/** Reads them. */
export class ScheduledReader {
  readonly #dir: string;
  readonly #ofRoom: Statement<ScheduledRow, [string, number, number, number]>;
  readonly #all: Statement<ScheduledRow, []>;
  readonly #room: Statement<{ room: string }, [number]>;
  readonly #last: Statement<{ seq: number }, []>;

  constructor(connection: Connection, dir: string) {
    this.#dir = dir;
    this.#ofRoom = connection.prepare(
      `SELECT * FROM scheduled WHERE room = ? AND (deliver_at, number) > (?, ?)
       ORDER BY deliver_at, number LIMIT ?`,
    );
    this.#all = connection.prepare("SELECT * FROM scheduled");
    this.#room = connection.prepare("SELECT room FROM scheduled WHERE number = ?");
    this.#last = connection.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'scheduled'");
  }

  ofRoom(
    room: string,
    after: { readonly deliverAt: number; readonly number: number },
    limit: number,
  ): ScheduledDanmaku[] {
    return this.#ofRoom.all(room, after.deliverAt, after.number, limit).map((row) => this.#read(row));
  }

  all(): ScheduledDanmaku[] {
    return this.#all.all().map((row) => this.#read(row));
  }

  roomOf(number: number): string | undefined {
    return this.#room.get(number)?.room;
  }

  last(): number {
    return this.#last.get()?.seq ?? 0;
  }

  #read({ number, room, deliver_at, key, sum, body }: ScheduledRow): ScheduledDanmaku {
    // In a damaged file a column may hold anything.
    if (!(body instanceof Uint8Array) || Bun.hash.crc32(body) !== sum) {
      throw damaged(this.#dir, "checksum of a scheduled danmaku does not match");
    }
    return { number, room, deliverAt: deliver_at, key, record: body };
  }
}
