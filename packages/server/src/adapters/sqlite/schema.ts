import type { Database } from "bun:sqlite";
import { damaged, newerVersion } from "./errors.ts";

/** Version of the format, in the file as `user_version`. A file of a higher one is refused. */
export const SCHEMA_VERSION = 3;

/** "dnmk", in the file as `application_id`: tells our file from any other database. */
export const APPLICATION_ID = 0x646e6d6b;

/**
 * Step n makes a file of version n + 1 from one of version n. Steps are never changed once released.
 *
 * - `meta`, one row. `burned` is the sum of the burns of all unclean stops; `unsynced` says that records may not be on
 *   the disk itself although they were committed; `seed` gives rooms of an older life their new epoch.
 * - `room`. `burned` and `life` are those of `meta` when the room was last written. `danmaku` and `keys` count the
 *   danmaku stored and the keys ever written. `age` is `ts` in coarse steps.
 * - `log`. One row per room and commit, cut at limits: `first` to `last` are offsets, `sum` the CRC-32 of `body`, which
 *   holds TLV records back to back. Clustered by room and offset: history is read, trimmed and forgotten in one stretch.
 * - `settings`. The text of rooms that have some; a room without records may.
 * - `idem`. Keys of one room and commit, packed (`key-codec.ts`); `seq` numbers the keys of a room. Clustered by time,
 *   because expiry by time is the frequent access, and found by room through the index.
 * - `scheduled` (from version 2). Danmaku that wait for their time; numbers are never used twice. By the name of the room,
 *   which may have no row yet, or none any more.
 * - `sanction` (from version 3). Mutes and bans, by the name of the room, likewise; '' = the site. `kind` as in
 *   `SANCTION_KINDS`; times are Unix ms.
 */
const STEPS: readonly string[] = [
  `
  CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL, burn INTEGER NOT NULL, burned INTEGER NOT NULL,
    running INTEGER NOT NULL, unsynced INTEGER NOT NULL, boot TEXT NOT NULL,
    life INTEGER NOT NULL, seed TEXT NOT NULL, opened_ms INTEGER NOT NULL
  ) STRICT;
  INSERT INTO meta VALUES (1, 0, 0, 0, 0, 0, '', 0, '', 0);
  CREATE TABLE room (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL,
    head INTEGER NOT NULL, ts INTEGER NOT NULL, age INTEGER NOT NULL, floor INTEGER NOT NULL,
    burned INTEGER NOT NULL, life INTEGER NOT NULL, danmaku INTEGER NOT NULL, keys INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX room_by_age ON room (age);
  CREATE TABLE log (
    room INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, records INTEGER NOT NULL,
    deletes INTEGER NOT NULL, sum INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (room, first)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE settings (room INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE idem (
    ts INTEGER NOT NULL, room INTEGER NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL,
    sum INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (ts, room, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX idem_by_room ON idem (room, seq);
  `,
  `
  CREATE TABLE scheduled (
    number INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL, deliver_at INTEGER NOT NULL, key TEXT NOT NULL,
    sum INTEGER NOT NULL, body BLOB NOT NULL
  ) STRICT;
  CREATE INDEX scheduled_by_room ON scheduled (room, deliver_at, number);
  `,
  `
  CREATE TABLE sanction (
    room TEXT NOT NULL, kind INTEGER NOT NULL, uid TEXT NOT NULL, until INTEGER NOT NULL, since INTEGER NOT NULL,
    author TEXT NOT NULL, PRIMARY KEY (room, kind, uid)
  ) STRICT, WITHOUT ROWID;
  `,
];

/**
 * Brings the file to the present format; a new file gets it whole. Nothing is changed in a file that is refused.
 *
 * @throws StoreError `newer_version`, or `damaged` for a database of something else.
 */
export function migrate(db: Database, dir: string): void {
  const version = pragma(db, "user_version");
  if (version > SCHEMA_VERSION) throw newerVersion(dir, version, SCHEMA_VERSION);
  if (version === 0) {
    if (count(db, "SELECT count(*) AS n FROM sqlite_schema") > 0)
      throw damaged(dir, "a database of something else");
    db.run("PRAGMA page_size = 4096");
  } else if (pragma(db, "application_id") !== APPLICATION_ID) {
    throw damaged(dir, "a database of something else");
  }
  const mode = db.query<{ journal_mode: string }, []>("PRAGMA journal_mode = WAL").get()?.journal_mode;
  if (mode !== "wal") throw damaged(dir, `journal mode is ${mode}, not wal`);
  if (version === SCHEMA_VERSION) return;
  db.run("BEGIN EXCLUSIVE");
  for (const step of STEPS.slice(version)) db.run(step);
  db.run(`PRAGMA application_id = ${APPLICATION_ID}`);
  db.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  db.run("COMMIT");
}

/** A numeric pragma. */
export function pragma(db: Database, name: string): number {
  const row = db.query<Record<string, number>, []>(`PRAGMA ${name}`).get();
  return row === null ? 0 : (Object.values(row)[0] ?? 0);
}

function count(db: Database, sql: string): number {
  return db.query<{ n: number }, []>(sql).get()?.n ?? 0;
}
