import type { Statement } from "bun:sqlite";
import type { Connection } from "./connection.ts";
import type { RoomEntry } from "./room-table.ts";

/** Writes the rows of table `settings`: one for each room that has some. */
export class SettingsRows {
  readonly #put: Statement<unknown, [number, string]>;
  readonly #delete: Statement<unknown, [number]>;

  constructor(connection: Connection) {
    this.#put = connection.prepare("INSERT OR REPLACE INTO settings VALUES (?, ?)");
    this.#delete = connection.prepare("DELETE FROM settings WHERE room = ?");
  }

  /** Gives a room its settings; "" takes them away. */
  set(entry: RoomEntry, text: string): void {
    if (text === "") this.#delete.run(entry.id);
    else this.#put.run(entry.id, text);
  }
}
