/** One file of the archive that is being written: whole lines only, whatever fails in between. */
import { constants, writeSync } from "node:fs";
import { type FileHandle, open, rm, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { IN_PLACE_BYTES_MAX, IN_PLACE_MS_MAX } from "./limits.ts";

/** Suffix of the mark that stands beside a file while somebody writes it. */
export const MARK_SUFFIX = ".writing";

/** Who writes, as the mark says it. */
export interface WriterMark {
  readonly host: string;
  readonly pid: number;
}

/** Appends to a file that this process makes. */
const APPEND_NEW = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL;

/** A write that found no place: nothing of it can have been dropped later. */
const NO_SPACE: readonly unknown[] = ["ENOSPC", "EDQUOT"];

export class ArchiveFile {
  readonly path: string;
  readonly openedAtMs: number;
  readonly #handle: FileHandle;
  /** What is written is on disk when the write returns: one trip to the thread pool for both, not one for each. */
  readonly #syncsWrites: boolean;
  /** Bytes of whole lines. */
  #length = 0;
  #isSynced = true;
  /** The last write was: the disk is there, and has little else to do. */
  #isQuick = false;

  private constructor(path: string, handle: FileHandle, openedAtMs: number, syncsWrites: boolean) {
    this.path = path;
    this.#handle = handle;
    this.#syncsWrites = syncsWrites;
    this.openedAtMs = openedAtMs;
  }

  /**
   * Makes a new file. Its entry in the folder is on disk when this resolves, as syncing the file alone would not do.
   * @param syncsWrites `append` resolves when the lines are on disk, as after a `sync`.
   * @throws the system's error, also where the file is there already.
   */
  static async create(path: string, nowMs: number, syncsWrites: boolean): Promise<ArchiveFile> {
    const mark: WriterMark = { host: hostname(), pid: process.pid };
    try {
      await writeFile(path + MARK_SUFFIX, `${JSON.stringify(mark)}\n`);
      const handle = await open(path, syncsWrites ? APPEND_NEW | constants.O_DSYNC : APPEND_NEW, 0o666);
      await syncFolder(dirname(path));
      return new ArchiveFile(path, handle, nowMs, syncsWrites);
    } catch (error) {
      await rm(path + MARK_SUFFIX, { force: true }).catch(() => {}); // or a full disk fills with marks
      throw error;
    }
  }

  get bytes(): number {
    return this.#length;
  }

  /**
   * Appends whole lines, in place or in the thread pool. After a failure the file is cut back to what it was.
   * @throws the system's error; a file that could not even be cut back, or of which the kernel may have dropped what it
   * could not bring to the disk, has `isBroken` set.
   */
  async append(lines: Uint8Array): Promise<void> {
    let written = 0;
    try {
      while (written < lines.length) {
        const began = performance.now();
        written += await this.#writeSome(lines, written);
        this.#isQuick = performance.now() - began <= IN_PLACE_MS_MAX;
      }
    } catch (error) {
      this.#isQuick = false;
      const { code } = error as NodeJS.ErrnoException;
      if (this.#syncsWrites && !NO_SPACE.includes(code)) this.isBroken = true;
      await this.#handle.truncate(this.#length).catch(() => {
        this.isBroken = true;
      });
      throw error;
    }
    this.#length += written;
    this.#isSynced = this.#syncsWrites;
  }

  /**
   * A little is written without leaving this thread: the ways to another one and back take as long as a quick disk does,
   * and each may have to wait for a processor. A disk that turns slow holds up the thread once.
   * @returns how many bytes were taken.
   */
  async #writeSome(lines: Uint8Array, from: number): Promise<number> {
    const bytes = lines.length - from;
    if (this.#isQuick && bytes <= IN_PLACE_BYTES_MAX) return writeSync(this.#handle.fd, lines, from, bytes);
    return (await this.#handle.write(lines, from, bytes)).bytesWritten;
  }

  /** What was appended last is not whole, and stays so until it is repaired at a later start. */
  isBroken = false;

  /** @throws the system's error. What the kernel could not write once it may have dropped: then `isBroken` is set. */
  async sync(): Promise<void> {
    if (this.#isSynced) return;
    try {
      await this.#handle.datasync();
      this.#isSynced = true;
    } catch (error) {
      this.isBroken = true;
      throw error;
    }
  }

  /** Shows that the writer lives. */
  async touch(now: Date): Promise<void> {
    await utimes(this.path + MARK_SUFFIX, now, now);
  }

  /** Syncs and closes. The mark stays beside a broken file, for the next start to repair it. */
  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      await this.#handle.close();
      if (!this.isBroken) await rm(this.path + MARK_SUFFIX, { force: true });
    }
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
