/**
 * What a gateway keeps of a watched room: the newest records, as they are on the wire, so that a frame for a viewer is a
 * slice. Offsets within a window are consecutive. Plain memory of one thread.
 *
 * The bytes are a ring: records stand back to back from `#tail`, and start again at 0 where the next one does not fit
 * before the end. It starts small, doubles up to `windowBytesMax`, and then forgets the oldest.
 */
import {
  CLASS_MUST_DELIVER,
  danmakuClass,
  danmakuUidBytes,
  danmakuUidStart,
  RECORD_TYPES,
  recordStride,
  recordType,
} from "@danmakud/wire";
import { hashUidBytes, LeftOutSenders } from "./left-out-senders.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { isLeftOut } from "./shown-writer.ts";
import { copyWords } from "./words.ts";

export class RoomWindow {
  /** Offset of the oldest record kept; one past `head` while the window is empty. */
  first: number;
  /** Offset of the newest record, kept or not. */
  head: number;
  /** Newest record that everybody sees, and newest that only its sender sees; 0 = none since the window was made. */
  lastShown = 0;
  lastLeftOut = 0;
  #leftOutSenders: LeftOutSenders | undefined;
  bytes: Uint8Array;
  /** The same as words. */
  words: Uint32Array;
  /** Where the record of an offset starts, by offset modulo the (power of two) length. */
  #starts: Uint32Array;
  /** Ring position after the record, likewise; absolute, never wrapping. */
  #positions: Float64Array;
  #tail = 0;
  /** Ring position of the newest record that left the window (or of the room's opening). */
  evictedPosition: number;
  /** `paid` and `system` records that left the window, oldest first. */
  readonly #mustDeliver: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  /** Everything must-deliver above this offset is in the window or among those kept. */
  mustDeliverFloor: number;

  constructor(head: number, position: number) {
    this.head = head;
    this.first = head + 1;
    this.evictedPosition = position;
    this.mustDeliverFloor = head;
    this.bytes = new Uint8Array(ROOM_LIMITS.windowBytesMin);
    this.words = new Uint32Array(this.bytes.buffer);
    this.#starts = new Uint32Array(RECORDS_MIN);
    this.#positions = new Float64Array(RECORDS_MIN);
  }

  get count(): number {
    return this.head - this.first + 1;
  }

  /** Bytes of memory. */
  get size(): number {
    return this.bytes.length + this.#starts.length * 12;
  }

  /**
   * Appends the record at word `at` of `from`; its offset must be the next one.
   * @hot bench/fanout.ts
   */
  append(
    from: Int32Array | Uint32Array,
    at: number,
    strideBytes: number,
    offset: number,
    position: number,
  ): void {
    if (offset !== this.head + 1) throw new Error(`offset ${offset} does not follow ${this.head}`);
    if (this.count === ROOM_LIMITS.windowRecordsMax) this.#evict();
    else if (this.count === this.#starts.length) this.#growIndex();
    const start = this.#place(strideBytes);
    copyWords(from, at, this.words, start >> 2, strideBytes >> 2);
    const slot = offset & (this.#starts.length - 1);
    this.#starts[slot] = start;
    this.#positions[slot] = position;
    this.#tail = start + strideBytes;
    this.head = offset;
    if (isLeftOut(this.bytes, start)) this.#noteLeftOut(start, offset);
    else this.lastShown = offset;
  }

  /** Whether a sender (by the hash of the uid) may have danmaku after this offset that others do not see. @hot */
  mayHaveLeftOut(uidHash: number, after: number): boolean {
    return after < this.lastLeftOut && this.#leftOutSenders?.mayHaveAfter(uidHash, after) === true;
  }

  /** The offset after which the newest `records` follow that everybody sees; all of the window, where it has fewer. */
  positionOfLast(records: number): number {
    if (this.lastLeftOut < this.first) return Math.max(this.head - records, this.first - 1);
    let offset = this.head;
    for (let left = records; left > 0 && offset >= this.first; offset--) {
      if (!isLeftOut(this.bytes, this.startOf(offset))) left--;
    }
    return offset;
  }

  /** Byte index of the record with this offset, which must be in the window. */
  startOf(offset: number): number {
    return this.#starts[offset & (this.#starts.length - 1)] as number;
  }

  /** Ring position after the record with this offset, which must be in the window. */
  positionOf(offset: number): number {
    return this.#positions[offset & (this.#positions.length - 1)] as number;
  }

  /** Goes on after `head`, which is beyond the present one, with nothing kept: what lies between is for the log to tell. */
  jump(head: number, position: number): void {
    this.head = head;
    this.first = head + 1;
    this.evictedPosition = position;
    this.mustDeliverFloor = head;
    this.#mustDeliver.length = 0;
    this.#tail = 0;
  }

  /** Byte index just past the record with this offset. */
  endOf(offset: number): number {
    if (offset === this.head) return this.#tail;
    const next = this.startOf(offset + 1);
    // The next record stands at the start of the buffer: this one ends where its own length says.
    return next > this.startOf(offset)
      ? next
      : this.startOf(offset) + recordStride(this.bytes, this.startOf(offset));
  }

  /**
   * The last offset of the run of records that stand back to back from `offset` on, and are no more than
   * `frameBytesMax` long together (but at least one).
   */
  runEnd(offset: number): number {
    const start = this.startOf(offset);
    const headStart = this.startOf(this.head);
    if (headStart >= start && this.#tail - start <= ROOM_LIMITS.frameBytesMax) return this.head;
    let low = offset;
    let high = this.head;
    // Starts rise along the run and fall once, where the ring begins again: search for the last that belongs to it.
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const at = this.startOf(middle);
      if (at >= start && at - start < ROOM_LIMITS.frameBytesMax) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Must-deliver records with offsets in (after, before), oldest first. */
  *mustDeliver(
    after: number,
    before: number,
  ): Generator<{ readonly offset: number; readonly bytes: Uint8Array }> {
    for (const kept of this.#mustDeliver) if (kept.offset > after && kept.offset < before) yield kept;
  }

  /** Puts older records in front of an otherwise untouched window: `records` are back to back and end at `first` − 1. */
  prepend(records: Uint8Array, firstOffset: number, count: number): void {
    // Only into a window that is far from full: nothing may be pushed out by older records.
    if (this.count + count > ROOM_LIMITS.windowRecordsMax / 2) return;
    if (this.bytes.length + records.length > ROOM_LIMITS.windowBytesMax / 2) return;
    const newer = this.count;
    const words = new Uint32Array(records.slice().buffer);
    const older = new RoomWindow(firstOffset - 1, this.evictedPosition);
    let at = 0;
    for (let i = 0; i < count; i++) {
      const stride = recordStride(records, at);
      older.append(words, at >> 2, stride, firstOffset + i, this.evictedPosition);
      at += stride;
    }
    for (let offset = this.first; offset < this.first + newer; offset++) {
      const start = this.startOf(offset);
      const position = this.#positions[offset & (this.#positions.length - 1)] as number;
      older.append(this.words, start >> 2, recordStride(this.bytes, start), offset, position);
    }
    this.first = older.first;
    this.bytes = older.bytes;
    this.words = older.words;
    this.#starts = older.#starts;
    this.#positions = older.#positions;
    this.#tail = older.#tail;
    this.evictedPosition = older.evictedPosition;
    this.lastShown = older.lastShown;
    this.lastLeftOut = older.lastLeftOut;
    this.#leftOutSenders = older.#leftOutSenders;
  }

  #noteLeftOut(start: number, offset: number): void {
    this.lastLeftOut = offset;
    const uid = danmakuUidStart(this.bytes, start);
    this.#leftOutSenders ??= new LeftOutSenders();
    this.#leftOutSenders.add(hashUidBytes(this.bytes, uid, uid + danmakuUidBytes(this.bytes, start)), offset);
  }

  /** Finds room for a record, growing or forgetting as needed; returns where it starts. */
  #place(bytes: number): number {
    for (;;) {
      if (this.count === 0) {
        if (bytes <= this.bytes.length) return 0;
      } else {
        const oldest = this.startOf(this.first);
        if (this.#tail > oldest) {
          if (this.#tail + bytes <= this.bytes.length) return this.#tail;
          if (bytes <= oldest) return 0;
        } else if (this.#tail + bytes <= oldest) {
          return this.#tail;
        }
      }
      if (this.bytes.length < ROOM_LIMITS.windowBytesMax) this.#growBytes();
      else this.#evict();
    }
  }

  #evict(): void {
    const offset = this.first;
    const start = this.startOf(offset);
    this.evictedPosition = this.#positions[offset & (this.#positions.length - 1)] as number;
    if (isMustDeliver(this.bytes, start)) {
      this.#mustDeliver.push({ offset, bytes: this.bytes.slice(start, this.endOf(offset)) });
      if (this.#mustDeliver.length > ROOM_LIMITS.mustDeliverKept) {
        this.mustDeliverFloor = this.#mustDeliver.shift()?.offset ?? this.mustDeliverFloor;
      }
    }
    this.first++;
  }

  /** Doubles the buffer and lays the records out from its start. */
  #growBytes(): void {
    const bytes = new Uint8Array(this.bytes.length * 2);
    let tail = 0;
    for (let offset = this.first; offset <= this.head; ) {
      const end = this.#contiguousEnd(offset);
      const from = this.startOf(offset);
      const to = this.endOf(end);
      bytes.set(this.bytes.subarray(from, to), tail);
      const shift = tail - from;
      for (; offset <= end; offset++)
        this.#starts[offset & (this.#starts.length - 1)] = this.startOf(offset) + shift;
      tail += to - from;
    }
    this.bytes = bytes;
    this.words = new Uint32Array(bytes.buffer);
    this.#tail = tail;
  }

  #contiguousEnd(offset: number): number {
    let end = offset;
    while (end < this.head && this.startOf(end + 1) > this.startOf(end)) end++;
    return end;
  }

  #growIndex(): void {
    const starts = new Uint32Array(this.#starts.length * 2);
    const positions = new Float64Array(starts.length);
    for (let offset = this.first; offset <= this.head; offset++) {
      starts[offset & (starts.length - 1)] = this.startOf(offset);
      positions[offset & (starts.length - 1)] = this.#positions[
        offset & (this.#positions.length - 1)
      ] as number;
    }
    this.#starts = starts;
    this.#positions = positions;
  }
}

const RECORDS_MIN = 16;

/** `paid` and `system` danmaku reach even those who have to skip. */
function isMustDeliver(bytes: Uint8Array, at: number): boolean {
  return recordType(bytes, at) === RECORD_TYPES.danmaku && danmakuClass(bytes, at) >= CLASS_MUST_DELIVER;
}
