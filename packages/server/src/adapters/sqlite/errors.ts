import { SQLiteError } from "bun:sqlite";
import { accessSync, constants, statfsSync } from "node:fs";
import { StoreError, type StoreErrorKind } from "@danmakud/core/ports";
import { logPath } from "./files.ts";
import { DISK_FULL_BYTES } from "./limits.ts";

/**
 * What an error of SQLite or of the file system means for an operator. Anything else (our own mistakes, a `StoreError`)
 * comes back as it is, so that `throw storeError(…)` in a `catch` is always right.
 */
export function storeError(error: unknown, dir: string): unknown {
  const code = codeOf(error);
  if (code === undefined || error instanceof StoreError) return error;
  const kind = kindOf(code, dir);
  const detail = error instanceof Error ? error.message : String(error);
  return new StoreError(kind, `${explain(kind, dir)} (${code}: ${detail})`, { cause: error });
}

/** The log cannot be read: something is in the file that danmakud did not write. `detail` says what. */
export function damaged(dir: string, detail: string): StoreError {
  return new StoreError("damaged", `${explain("damaged", dir)} (${detail})`);
}

/** The log is of a version that this one cannot know. */
export function newerVersion(dir: string, version: number, known: number): StoreError {
  return new StoreError(
    "newer_version",
    `${logPath(dir)} was written by a newer danmakud (format ${version}, this one knows ${known}). ` +
      "Start that version again, or choose another folder with --data.",
  );
}

/** Somebody else has the folder or the writing end. */
export function inUse(dir: string, who: string): StoreError {
  return new StoreError("in_use", `${explain("in_use", dir)} (${who})`);
}

function explain(kind: StoreErrorKind, dir: string): string {
  switch (kind) {
    case "full":
      return `No space is left for the log in ${dir}. Free some: danmakud goes on by itself, without a restart.`;
    case "read_only":
      return `The data folder ${dir} cannot be written to. Give this user write access to it, or choose another with --data.`;
    case "damaged":
      return (
        `The log ${logPath(dir)} is damaged or not a log of danmakud. Stop the node, keep a copy of the folder, then ` +
        "restore it from a backup, or move it away to start empty."
      );
    case "in_use":
      return `The data folder ${dir} is in use. Stop the other danmakud, or choose another folder with --data.`;
    default:
      return `The log in ${dir} could not be read or written. Look at the disk and the system's log.`;
  }
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof SQLiteError) return error.code ?? `SQLITE_${error.errno}`;
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}

function kindOf(code: string, dir: string): StoreErrorKind {
  if (code === "SQLITE_FULL" || code === "ENOSPC" || code === "EDQUOT") return "full";
  if (code.startsWith("SQLITE_READONLY") || code === "EROFS" || code === "EACCES" || code === "EPERM")
    return "read_only";
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") return "damaged";
  if (code.startsWith("SQLITE_BUSY") || code === "SQLITE_LOCKED") return "in_use";
  if (code.startsWith("SQLITE_CANTOPEN") || code.startsWith("SQLITE_IOERR") || code === "SQLITE_PERM") {
    if (!writable(dir)) return "read_only";
    if (diskFull(dir)) return "full";
  }
  return "io";
}

function writable(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** SQLite reports some writes that find no space (shared memory of the log, delayed allocation) as plain I/O errors. */
function diskFull(dir: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize < DISK_FULL_BYTES;
  } catch {
    return false;
  }
}
