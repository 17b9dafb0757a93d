/** Mends what writers that died have left: a last line that was not written to its end is cut off. */
import { type FileHandle, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { MARK_SUFFIX } from "./archive-file.ts";
import { MARK_STALE_MS, REPAIR_CHUNK_BYTES, REPAIRS_MAX } from "./limits.ts";

/** A file that was mended. */
export interface Repair {
  readonly path: string;
  /** Bytes of the torn line that were cut off; 0 = the file was whole. */
  readonly bytesCut: number;
}

/**
 * Mends the files in a folder whose writers are gone. Entries in a torn line were never acknowledged, so they come
 * again.
 * @throws the system's error where the folder cannot be read or a file cannot be mended.
 */
export async function repairFolder(folder: string, nowMs: number): Promise<readonly Repair[]> {
  const marks = (await readdir(folder)).filter((name) => name.endsWith(MARK_SUFFIX)).slice(0, REPAIRS_MAX);
  const repairs: Repair[] = [];
  for (const name of marks) {
    const mark = join(folder, name);
    if (!(await isAbandoned(mark, nowMs))) continue;
    const path = mark.slice(0, -MARK_SUFFIX.length);
    const bytesCut = await cutTornLine(path);
    await rm(mark, { force: true });
    if (bytesCut !== undefined) repairs.push({ path, bytesCut });
  }
  return repairs;
}

async function isAbandoned(mark: string, nowMs: number): Promise<boolean> {
  try {
    if (nowMs - (await stat(mark)).mtimeMs > MARK_STALE_MS) return true;
    const { host, pid } = JSON.parse(await readFile(mark, "utf8")) as { host?: unknown; pid?: unknown };
    if (host !== hostname() || typeof pid !== "number") return false;
    // In a container every process is number 1: whoever had our own number before is gone.
    return pid === process.pid || !isAlive(pid);
  } catch {
    return false; // just made, or just removed, by its writer; an old one is caught by its age
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** @returns the bytes cut off, or undefined where there is no such file. */
async function cutTornLine(path: string): Promise<number | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { size } = await file.stat();
    const end = await endOfLastLine(file, size);
    if (end < size) {
      await file.truncate(end);
      await file.sync();
    }
    return size - end;
  } finally {
    await file.close();
  }
}

/** Where the last whole line ends; 0 where there is none. */
async function endOfLastLine(file: FileHandle, size: number): Promise<number> {
  const chunk = new Uint8Array(REPAIR_CHUNK_BYTES);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunk.length);
    const { bytesRead } = await file.read(chunk, 0, end - start, start);
    const at = chunk.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}
