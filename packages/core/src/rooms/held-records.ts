/**
 * Records of a room that its viewers may not see yet: those younger than the room's `delayMs`, and scheduled danmaku
 * that are not on disk. They are in the log like all others; what of them is kept here is a window of the newest, and
 * what has left that is read from the log when its time comes. Offsets beyond the room's own window up to `head`.
 */
import { RECORD_TYPES, recordOffset, recordStride, recordTs, recordType } from "@danmakud/wire";
import type { LogPage, RoomLogReader } from "../ports/index.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { RoomWindow } from "./room-window.ts";

/** Why the release of a room's records has stopped. */
export const Held = {
  /** Nothing is held back. */
  nothing: 0,
  /** The next record is too young; see `nextAt`. */
  young: 1,
  /** The next record has to be on disk first. */
  undurable: 2,
  /** There was too much for one go. */
  more: 3,
} as const;

/** What a release needs to know. */
export interface Release {
  /** Into which the records go. */
  readonly window: RoomWindow;
  /** Records of this time or older may be seen, Unix ms. */
  readonly through: number;
  /** Ring position up to which everything is on disk. */
  readonly durable: number;
  /** Reads the log, for what is no longer kept. */
  readonly read: (after: number, through: number) => LogPage | undefined;
  /** A record was put into the window. */
  readonly onShown: () => void;
  /** The window has left out offsets that will not come; the log says why. */
  readonly onJump: () => void;
}

export class HeldRecords {
  readonly #kept: RoomWindow;
  /** Offsets that may be seen only once their position is on disk, in order. */
  readonly #scheduled: { readonly offset: number; readonly position: number }[] = [];
  /** Time of the record that was too young at the last release, Unix ms. */
  nextAt = 0;

  /** Holds back everything up to `head`, none of which is kept here yet. */
  constructor(head: number, position: number) {
    this.#kept = new RoomWindow(head, position);
  }

  /** The newest record held back, or shown where none is. */
  get head(): number {
    return this.#kept.head;
  }

  /** Bytes of memory. */
  get size(): number {
    return this.#kept.size;
  }

  append(
    words: Int32Array,
    at: number,
    strideBytes: number,
    offset: number,
    position: number,
    isScheduled: boolean,
  ): void {
    this.#kept.append(words, at, strideBytes, offset, position);
    if (isScheduled) this.#scheduled.push({ offset, position });
  }

  /** Moves what may be seen into the room's window, a bounded part of it. Returns why it has stopped. */
  release(release: Release): number {
    const { window, through, durable, read, onShown } = release;
    const kept = this.#kept;
    for (let left: number = ROOM_LIMITS.pageRecordsMax; window.head < kept.head; left--) {
      if (left === 0) return Held.more;
      while (this.#scheduled[0] !== undefined && this.#scheduled[0].position <= durable)
        this.#scheduled.shift();
      const offset = window.head + 1;
      if (offset < kept.first) {
        if (durable < kept.evictedPosition) return Held.undurable;
        return this.#releasePage(release, read(window.head, kept.first - 1));
      }
      if (this.#scheduled[0] !== undefined && this.#scheduled[0].offset <= offset) return Held.undurable;
      const start = kept.startOf(offset);
      const ts = recordTs(kept.bytes, start);
      if (ts > through) return this.#tooYoung(ts);
      window.append(kept.words, start >> 2, recordStride(kept.bytes, start), offset, kept.positionOf(offset));
      onShown();
    }
    return Held.nothing;
  }

  #releasePage({ window, through, onShown, onJump }: Release, page: LogPage | undefined): number {
    if (page === undefined) return Held.more;
    const bytes = page.bytes.slice();
    const words = new Int32Array(bytes.buffer);
    const position = this.#kept.evictedPosition;
    for (let at = 0; at < bytes.length; at += recordStride(bytes, at)) {
      const ts = recordTs(bytes, at);
      if (recordType(bytes, at) === RECORD_TYPES.gap) {
        // The upper end of a gap stands where other records have their ts. Its viewers get it from the log.
        window.jump(ts, position);
        onJump();
        continue;
      }
      if (ts > through) return this.#tooYoung(ts);
      window.append(words, at >> 2, recordStride(bytes, at), recordOffset(bytes, at), position);
      onShown();
    }
    if (window.head < page.next) {
      window.jump(page.next, position);
      onJump();
    }
    return Held.more;
  }

  #tooYoung(ts: number): number {
    this.nextAt = ts;
    return Held.young;
  }
}

/**
 * The last offset up to `head` whose record is not younger than `ts` (Unix ms), as far as the log has it; a binary
 * search, since times never decrease.
 */
export function headAt(log: RoomLogReader, room: string, head: number, ts: number): number {
  const stored = log.room(room);
  if (stored === undefined) return 0;
  let low = Math.min(head, stored.floor - 1);
  let high = Math.min(head, stored.head);
  if (stored.ts <= ts) return high;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const page = log.read(room, middle - 1, high, { recordsMax: 1, bytesMax: ROOM_LIMITS.pageBytesMax });
    const bytes = page?.bytes ?? NO_BYTES;
    let found: number | undefined;
    for (let at = 0; at < bytes.length; at += recordStride(bytes, at)) {
      if (recordType(bytes, at) === RECORD_TYPES.gap) continue;
      if (recordTs(bytes, at) <= ts) found = recordOffset(bytes, at);
      break;
    }
    if (found === undefined) high = middle - 1;
    else low = found;
  }
  return low;
}

const NO_BYTES = new Uint8Array(0);
