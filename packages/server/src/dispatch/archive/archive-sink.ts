/**
 * The archive: files of JSON lines, one line per entry, appended to and never changed. Every worker writes files of its
 * own, named by time and worker, so that several may share a folder. Within a file the lines of a room are in the order
 * of their offsets; after a crash some may come twice (docs/dispatch.md).
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Sink, type SinkEntry, type SinkLogger, SinkUnavailableError } from "../sink.ts";
import { ArchiveFile } from "./archive-file.ts";
import { BATCH_ENTRIES, type FsyncPolicy, MARK_TOUCH_MS, SYNC_INTERVAL_MS } from "./limits.ts";
import { repairFolder } from "./repair.ts";

export interface ArchiveOptions {
  readonly folder: string;
  readonly worker: string;
  readonly rotateBytes: number;
  readonly rotateMs: number;
  readonly fsync: FsyncPolicy;
  readonly log: SinkLogger;
  readonly now: () => number;
}

export class ArchiveSink implements Sink {
  readonly name = "archive";
  readonly batchEntriesMax = BATCH_ENTRIES;
  /** One file, one writer: what comes meanwhile shares the next sync. */
  readonly concurrencyMax = 1;
  readonly #options: ArchiveOptions;
  readonly #encoder = new TextEncoder();
  readonly #timer: Timer;
  #file: ArchiveFile | undefined;
  #files = 0;
  #touchedAtMs = 0;
  /** Writes, syncs and rotations take turns. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: ArchiveOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#inTurn(() => this.#tick()), SYNC_INTERVAL_MS);
  }

  /**
   * Makes the folder where it is missing, and mends files whose writers died.
   * @throws the system's error.
   */
  static async open(options: ArchiveOptions): Promise<ArchiveSink> {
    await mkdir(options.folder, { recursive: true });
    for (const { path, bytesCut } of await repairFolder(options.folder, options.now())) {
      if (bytesCut > 0) options.log.warn({ path, bytesCut }, "cut a torn line off an archive file");
    }
    return new ArchiveSink(options);
  }

  async write(entries: readonly SinkEntry[]): Promise<void> {
    let text = "";
    for (const entry of entries) text += `${JSON.stringify(entry)}\n`;
    const lines = this.#encoder.encode(text);
    await this.#inTurn(async () => {
      try {
        const file = await this.#fileFor(lines.length);
        await file.append(lines); // with fsync "batch" on disk when this resolves
      } catch (error) {
        if (this.#file?.isBroken) await this.#abandon();
        const reason = error instanceof Error ? error.message : String(error);
        throw new SinkUnavailableError(`the archive cannot be written: ${reason}`, { cause: error });
      }
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#inTurn(() => this.#rotate());
  }

  /** The open file, or a new one where that has had its size or time. */
  async #fileFor(bytes: number): Promise<ArchiveFile> {
    const { rotateBytes, folder, worker, now, fsync } = this.#options;
    if (this.#file !== undefined && this.#file.bytes > 0 && this.#file.bytes + bytes > rotateBytes)
      await this.#rotate();
    if (this.#isOld()) await this.#rotate();
    if (this.#file === undefined) {
      const time = new Date(now()).toISOString().replaceAll(/[-:.]/g, "");
      const ordinal = String(++this.#files).padStart(6, "0");
      this.#file = await ArchiveFile.create(
        join(folder, `danmaku-${time}-${worker}-${ordinal}.jsonl`),
        now(),
        fsync === "batch",
      );
    }
    return this.#file;
  }

  #isOld(): boolean {
    return this.#file !== undefined && this.#options.now() - this.#file.openedAtMs >= this.#options.rotateMs;
  }

  async #rotate(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** A file whose end is in doubt is left as it is; the next start mends it. */
  async #abandon(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#options.log.error(
      { path: file?.path },
      "an archive file may end with a torn line: going on in a new one",
    );
    await file?.close().catch(() => {});
  }

  /** Rotates by time also where nothing more comes, syncs by interval, shows that the writer lives. */
  async #tick(): Promise<void> {
    try {
      if (this.#isOld()) await this.#rotate();
      const file = this.#file;
      if (file === undefined) return;
      if (this.#options.fsync === "interval") await file.sync();
      const now = this.#options.now();
      if (now - this.#touchedAtMs < MARK_TOUCH_MS) return;
      this.#touchedAtMs = now;
      await file.touch(new Date(now));
    } catch (error) {
      this.#options.log.error({ error: String(error) }, "the archive cannot be synced");
      if (this.#file?.isBroken) await this.#abandon();
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}
