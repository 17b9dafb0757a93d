/** Danmaku of the past, for those who ask by HTTP. */
import { RECORD_TYPES, recordStride, recordType } from "@danmakud/wire";
import type { RoomLogReader } from "../ports/index.ts";
import type { HistoryQuery } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";

/**
 * One question for history, answered page by page: a stretch of deletes or holes may be long, and each `step` is a
 * bounded piece of work. Nothing after `head`, which must be on disk.
 *
 * Asked for what follows an offset, it reads on from there; asked for the last ones, it reads stretches further and
 * further back, each of them forwards.
 */
export class HistoryReading {
  readonly room: string;
  readonly #log: RoomLogReader;
  readonly #wanted: number;
  readonly #isBackwards: boolean;
  /** Danmaku of the stretch that is read now, and of those read before (for `last`: which lie behind it). */
  #stretch: Uint8Array[] = [];
  #found: Uint8Array[] = [];
  /** Where the stretch begins, how far it is read, and where it ends. */
  #from: number;
  #after: number;
  #through: number;
  /** Records asked for at once: as many as are wanted, to begin with. */
  #recordsMax: number;

  constructor(log: RoomLogReader, room: string, head: number, query: HistoryQuery) {
    this.#log = log;
    this.room = room;
    this.#isBackwards = "last" in query;
    this.#wanted = "last" in query ? query.last : query.limit;
    this.#recordsMax = Math.min(this.#wanted, ROOM_LIMITS.pageRecordsMax);
    this.#through = head;
    this.#from = "last" in query ? head : query.after;
    this.#after = this.#from;
  }

  /**
   * Reads a page at most. Says whether all is there that will come, or there is more, or the log has to fetch it first and
   * calls `onReady` then.
   */
  step(onReady: () => void): "done" | "more" | "waiting" {
    if (this.#isBackwards && this.#after >= this.#through) return this.#stepBack(onReady);
    if (this.#after >= this.#through || this.#count() >= this.#wanted) return "done";
    const limits = { recordsMax: this.#recordsMax, bytesMax: ROOM_LIMITS.pageBytesMax };
    const page = this.#log.read(this.room, this.#after, this.#through, limits, onReady);
    if (page === undefined) return "waiting";
    for (let at = 0; at < page.bytes.length; at += recordStride(page.bytes, at)) {
      if (recordType(page.bytes, at) !== RECORD_TYPES.danmaku) continue;
      // A copy, or a page of deletes would be kept for the one danmaku in it.
      this.#stretch.push(page.bytes.slice(at, at + recordStride(page.bytes, at)));
    }
    const hasMoved = page.next > this.#after;
    this.#after = hasMoved ? page.next : this.#through;
    // What was asked for did not suffice: the next pages are as long as pages get.
    this.#recordsMax = ROOM_LIMITS.pageRecordsMax;
    const isOver = this.#after >= this.#through || this.#count() >= this.#wanted;
    return isOver && !this.#isBackwards ? "done" : "more";
  }

  /** The danmaku records back to back. */
  bytes(): Uint8Array {
    const all = [...this.#stretch, ...this.#found];
    const parts = this.#isBackwards
      ? all.slice(Math.max(0, all.length - this.#wanted))
      : all.slice(0, this.#wanted);
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let end = 0;
    for (const part of parts) {
      bytes.set(part, end);
      end += part.length;
    }
    return bytes;
  }

  /** Goes to the stretch before the present one, unless there is none, or need of none. */
  #stepBack(onReady: () => void): "done" | "more" | "waiting" {
    if (this.#stretch.length + this.#found.length >= this.#wanted) return "done";
    const from = this.#log.positionOfLast(this.room, this.#recordsMax, this.#from, onReady);
    if (from === undefined) return "waiting";
    this.#found = [...this.#stretch, ...this.#found];
    this.#stretch = [];
    this.#through = this.#from;
    this.#from = from;
    this.#after = from;
    return this.#from >= this.#through ? "done" : "more";
  }

  #count(): number {
    return this.#stretch.length + this.#found.length;
  }
}
