import { Database, SQLiteError } from "bun:sqlite";
import { accessSync, constants, mkdirSync } from "node:fs";
import { StoreError } from "@danmakud/core/ports";
import { inUse, storeError } from "./errors.ts";
import { lockPath } from "./files.ts";

/** A data folder held by this process until `release`, or until the process ends in whatever way. */
export interface FolderLock {
  readonly dir: string;
  /** Lets go of the folder. Harmless when called again. */
  release(): void;
}

/** Keeps the connections of held locks from the garbage collector, which would close them and so drop the locks. */
const held = new Set<Database>();

/**
 * Takes the folder for this process, and makes it where it is missing. A lock of the operating system on a file of its
 * own, taken by SQLite: it vanishes with the process, so there is never a stale one to clear away, and it is refused to
 * a second holder in the same process too.
 *
 * @throws StoreError `in_use` where another process has it; `read_only`, `full`, `io`; `damaged` for a foreign lock file.
 */
export function lockFolder(dir: string): FolderLock {
  let db: Database | undefined;
  try {
    mkdirSync(dir, { recursive: true });
    accessSync(dir, constants.W_OK);
    db = new Database(lockPath(dir), { readwrite: true, create: true });
    db.run("PRAGMA busy_timeout = 0");
    db.run("BEGIN EXCLUSIVE");
  } catch (error) {
    db?.close();
    const code = error instanceof SQLiteError ? (error.code ?? "") : "";
    if (code.startsWith("SQLITE_BUSY")) throw inUse(dir, "its lock file is held by another process");
    if (code === "SQLITE_NOTADB" || code.startsWith("SQLITE_CORRUPT")) {
      // Not deleted here: somebody may hold it although something wrote into it.
      throw new StoreError("damaged", `${lockPath(dir)} is not a lock file of danmakud. Remove it.`, {
        cause: error,
      });
    }
    throw storeError(error, dir);
  }
  const lock = db;
  held.add(lock);
  return {
    dir,
    release() {
      if (held.delete(lock)) lock.close();
    },
  };
}
