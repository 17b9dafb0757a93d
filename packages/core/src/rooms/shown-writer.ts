/**
 * What viewers see of records of which some were left out: those records give way to gaps, one for as many as stand in a
 * row. Whoever sent one of them sees it in its place.
 */
import {
  danmakuSampled,
  danmakuUidEquals,
  encodeGap,
  GAP_REASONS,
  RECORD_TYPES,
  recordOffset,
  recordStride,
  recordType,
} from "@danmakud/wire";
import { copyWords } from "./words.ts";

const SAMPLED = GAP_REASONS.indexOf("sampled");

/** True for a danmaku that only its sender sees. @hot */
export function isLeftOut(bytes: Uint8Array, at: number): boolean {
  return recordType(bytes, at) === RECORD_TYPES.danmaku && danmakuSampled(bytes, at);
}

/** True where one of the records in [from, to) is left out for others than its sender. */
export function hasLeftOut(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += recordStride(bytes, at)) if (isLeftOut(bytes, at)) return true;
  return false;
}

/**
 * Writes records, and gaps in the place of those left out, into a buffer. What is written is never longer than what was
 * given, since a gap is shorter than any danmaku.
 */
export class ShownWriter {
  bytes: Uint8Array = new Uint8Array(0);
  #words: Uint32Array = new Uint32Array(0);
  /** Byte index after what was written. */
  end = 0;
  /** Records left out so far. */
  leftOut = 0;
  #gapFrom = 0;
  /** Records in the gap that is not written yet. */
  #gapRecords = 0;

  /** Begins at the byte index `at` of a buffer (both multiples of four). */
  begin(words: Uint32Array, bytes: Uint8Array, at: number): void {
    this.#words = words;
    this.bytes = bytes;
    this.end = at;
    this.leftOut = 0;
    this.#gapRecords = 0;
  }

  /**
   * Takes the records in [from, to), which follow those taken before: consecutive offsets, or gap records where they are
   * not. `words` and `bytes` are one buffer. `uid`: whose danmaku are shown whatever is left out.
   * @hot bench/fanout.ts
   */
  add(words: Uint32Array, bytes: Uint8Array, from: number, to: number, uid: string | undefined): void {
    let shown = from;
    let at = from;
    while (at < to) {
      const stride = recordStride(bytes, at);
      if (isLeftOut(bytes, at) && (uid === undefined || !danmakuUidEquals(bytes, at, uid))) {
        if (at > shown) this.#copy(words, shown, at);
        if (this.#gapRecords++ === 0) this.#gapFrom = recordOffset(bytes, at);
        this.leftOut++;
        shown = at + stride;
      }
      at += stride;
    }
    if (at > shown) this.#copy(words, shown, at);
  }

  /** Leaves the gap that is still open to the next frame; returns how many offsets that are. */
  hold(): number {
    const held = this.#gapRecords;
    this.#gapRecords = 0;
    return held;
  }

  /** Writes the gap that is still open, if any. */
  finish(): void {
    if (this.#gapRecords === 0) return;
    const through = this.#gapFrom + this.#gapRecords - 1;
    this.end = encodeGap(this.bytes, this.end, this.#gapFrom, through, SAMPLED);
    this.#gapRecords = 0;
  }

  #copy(words: Uint32Array, from: number, to: number): void {
    this.finish();
    copyWords(words, from >> 2, this.#words, this.end >> 2, (to - from) >> 2);
    this.end += to - from;
  }
}
