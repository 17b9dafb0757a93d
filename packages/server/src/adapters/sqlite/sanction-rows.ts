import type { Statement } from "bun:sqlite";
import { SANCTION_KINDS, type Sanction, type SanctionKind, SITE } from "@danmakud/core/ports";
import type { Connection } from "./connection.ts";
import { damaged } from "./errors.ts";

/** Writes the rows of table `sanction`: one for each mute or ban. */
export class SanctionRows {
  readonly #put: Statement<unknown, [string, number, string, number, number, string]>;
  readonly #delete: Statement<unknown, [string, number, string]>;

  constructor(connection: Connection) {
    this.#put = connection.prepare("INSERT OR REPLACE INTO sanction VALUES (?, ?, ?, ?, ?, ?)");
    this.#delete = connection.prepare("DELETE FROM sanction WHERE room = ? AND kind = ? AND uid = ?");
  }

  set({ room, kind, uid, until, since, by }: Sanction): void {
    const number = SANCTION_KINDS.indexOf(kind);
    if (until === 0) this.#delete.run(room, number, uid);
    else this.#put.run(room, number, uid, until, since, by);
  }
}

interface SanctionRow {
  readonly room: string;
  readonly kind: number;
  readonly uid: string;
  readonly until: number;
  readonly since: number;
  readonly author: string;
}

/** Reads them. */
export class SanctionRowReader {
  readonly #dir: string;
  readonly #ofRoom: Statement<SanctionRow, [string, number, string, number, number]>;
  readonly #all: Statement<SanctionRow, []>;
  readonly #banned: Statement<{ until: number }, [string, number, string]>;

  constructor(connection: Connection, dir: string) {
    this.#dir = dir;
    this.#ofRoom = connection.prepare(
      "SELECT * FROM sanction WHERE room = ? AND kind = ? AND uid > ? AND until > ? ORDER BY uid LIMIT ?",
    );
    this.#all = connection.prepare("SELECT * FROM sanction");
    this.#banned = connection.prepare("SELECT until FROM sanction WHERE room = ? AND kind = ? AND uid = ?");
  }

  ofRoom(room: string, kind: SanctionKind, now: number, after: string, limit: number): Sanction[] {
    return this.#ofRoom
      .all(room, SANCTION_KINDS.indexOf(kind), after, now, limit)
      .map((row) => this.#sanction(row));
  }

  all(): Sanction[] {
    return this.#all.all().map((row) => this.#sanction(row));
  }

  bannedUntil(room: string, uid: string): number {
    const ban = SANCTION_KINDS.indexOf("ban");
    const ends = [room, SITE].map((scope) => this.#banned.get(scope, ban, uid)?.until ?? 0);
    return Math.max(...ends);
  }

  #sanction({ kind: number, author: by, ...row }: SanctionRow): Sanction {
    const kind = SANCTION_KINDS[number];
    if (kind === undefined) throw damaged(this.#dir, "a mute or ban of no kind");
    return { ...row, kind, by };
  }
}
