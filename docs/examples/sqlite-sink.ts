/**
 * A sink of one's own: every danmaku into a table of SQLite.
 *
 *     npx danmakud dispatch --redis redis://127.0.0.1 --sink './docs/examples/sqlite-sink.ts?file=danmaku.db'
 *
 * Entries come at least once. (room, epoch, offset) names one for good, so a repeat is left out by the primary key, and
 * the table has each exactly once.
 */
import { Database } from "bun:sqlite";
import { type CreateSink, type SinkEntry, SinkUnavailableError } from "@danmakud/server/dispatch";

export const createSink: CreateSink = ({ options, log }) => {
  const file = options.file ?? "danmaku.db";
  const db = new Database(file, { create: true });
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL"); // what is acknowledged must survive a loss of power
  db.run(`CREATE TABLE IF NOT EXISTS danmaku (
    room TEXT, epoch TEXT, offset INTEGER, ts INTEGER, uid TEXT, content TEXT, record TEXT,
    PRIMARY KEY (room, epoch, offset)
  ) WITHOUT ROWID`);
  const insert = db.query("INSERT OR IGNORE INTO danmaku VALUES (?, ?, ?, ?, ?, ?, ?)");
  const store = db.transaction((entries: readonly SinkEntry[]) => {
    for (const entry of entries) {
      const [uid, content] = entry.type === "danmaku" ? [entry.uid, entry.content] : [null, null];
      insert.run(entry.room, entry.epoch, entry.offset, entry.ts, uid, content, JSON.stringify(entry));
    }
  });
  log.info({ file }, "storing danmaku in SQLite");
  return {
    name: "sqlite",
    batchEntriesMax: 5_000,
    concurrencyMax: 1, // one writer per database
    async write(entries) {
      try {
        store(entries);
      } catch (cause) {
        // Full disk, locked database: the place is away, nothing is wrong with the entries.
        throw new SinkUnavailableError(`SQLite: ${cause}`, { cause });
      }
    },
    async close() {
      db.close();
    },
  };
};
