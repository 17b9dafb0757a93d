import { join } from "node:path";

/** Path of the log in a data folder. SQLite keeps `-wal` and `-shm` beside it. */
export function logPath(dir: string): string {
  return join(dir, "danmakud.db");
}

/** Path of the file whose lock says that a process has the folder. */
export function lockPath(dir: string): string {
  return join(dir, "danmakud.lock");
}
