import type { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { damaged } from "./errors.ts";
import { logPath } from "./files.ts";
import { CHECK_BYTES_MAX } from "./limits.ts";
import { pragma } from "./schema.ts";

/**
 * Looks for damage in bounded time: a file shorter than it says, and, where it is small enough, the structure of the
 * whole file. Damage in a larger one, or inside stored records, is found where it is read (structure by SQLite, records
 * by their checksum). The file is never opened beside SQLite: closing it again would drop SQLite's locks.
 *
 * @throws StoreError `damaged`
 */
export function checkFile(db: Database, dir: string): void {
  const path = logPath(dir);
  const bytes = sizeOf(path);
  // With something in the write-ahead log the file may rightly be shorter: its end is still there.
  if (sizeOf(`${path}-wal`) === 0) {
    const expected = pragma(db, "page_count") * pragma(db, "page_size");
    if (bytes < expected) throw damaged(dir, `cut off: ${bytes} of ${expected} bytes are left`);
  }
  if (bytes > CHECK_BYTES_MAX) return;
  const found = db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check;
  if (found !== "ok") throw damaged(dir, found ?? "quick_check gave no answer");
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
