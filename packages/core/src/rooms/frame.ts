/** From TLV records in a buffer to the frame a viewer gets. */
import {
  isLogRecord,
  RECORD_TYPES,
  recordOffset,
  recordStride,
  recordsToJson,
  recordToJson,
  recordTs,
  recordType,
} from "@danmakud/wire";
import { ROOM_LIMITS } from "./limits.ts";
import type { RoomWindow } from "./room-window.ts";
import { SSE, TLV } from "./viewer-table.ts";

export type Frame = Uint8Array | string;

/** The records in [from, to) of `bytes` in an encoding. A TLV frame is a view: send it before the buffer changes. */
export function renderFrame(
  bytes: Uint8Array,
  from: number,
  to: number,
  encoding: number,
  epoch: string,
  cursor = 0,
): Frame {
  if (encoding === TLV) return bytes.subarray(from, to);
  if (encoding === SSE) return renderEvents(bytes, from, to, epoch, cursor);
  return recordsToJson(bytes, from, to);
}

/**
 * Server-Sent Events (HTML Living Standard, section 9.2): one event per record. The id is the position to resume
 * after; records that do not move it have none. `cursor` is the position that a `hello` stands for; negative where it is
 * not known yet.
 */
function renderEvents(bytes: Uint8Array, from: number, to: number, epoch: string, cursor: number): string {
  let text = "";
  for (let at = from; at < to; at += recordStride(bytes, at)) {
    const type = recordType(bytes, at);
    if (type === RECORD_TYPES.hello) text += cursor < 0 ? "" : `id: ${epoch}:${cursor}\n`;
    else if (isLogRecord(bytes, at)) text += `id: ${epoch}:${recordOffset(bytes, at)}\n`;
    // The upper end of a gap stands where other records have their ts.
    else if (type === RECORD_TYPES.gap) text += `id: ${epoch}:${recordTs(bytes, at)}\n`;
    text += `data: ${recordToJson(bytes, at)}\n\n`;
  }
  return text;
}

/**
 * Frames cut from a room's window, made once and given to every viewer at the same position. Valid until the window
 * changes, which `clear` says.
 */
export class WindowFrames {
  readonly #after: number[] = [];
  readonly #frames: Frame[] = [];
  /** Where the frame last asked for ends: the viewer's next cursor. */
  next = 0;
  readonly #nexts: number[] = [];
  #scratch = new Uint8Array(0);

  clear(): void {
    this.#after.length = 0;
    this.#frames.length = 0;
    this.#nexts.length = 0;
  }

  /** The frame that follows `after` (in the window, below its head). @hot bench/fanout.ts */
  get(window: RoomWindow, after: number, encoding: number, epoch: string): Frame {
    // Nearly all viewers stand at the same place, so the list is one or two long per encoding.
    const key = after * 4 + encoding;
    for (let i = 0; i < this.#after.length; i++) {
      if (this.#after[i] !== key) continue;
      this.next = this.#nexts[i] as number;
      return this.#frames[i] as Frame;
    }
    const frame = this.#make(window, after, encoding, epoch);
    if (this.#after.length === CACHED_MAX) this.clear();
    this.#after.push(key);
    this.#frames.push(frame);
    this.#nexts.push(this.next);
    return frame;
  }

  #make(window: RoomWindow, after: number, encoding: number, epoch: string): Frame {
    const from = window.startOf(after + 1);
    const end = window.runEnd(after + 1);
    const to = window.endOf(end);
    this.next = end;
    if (end === window.head || to - from >= ROOM_LIMITS.frameBytesMax / 2) {
      return renderFrame(window.bytes, from, to, encoding, epoch);
    }
    // The run goes on at the start of the buffer: both parts in one frame, for one send.
    const second = window.startOf(end + 1);
    const last = window.runEnd(end + 1);
    const secondEnd = window.endOf(last);
    const bytes = to - from + (secondEnd - second);
    // Never the scratch of an earlier frame of this pass: that one may still be in use.
    this.#scratch = new Uint8Array(bytes);
    this.#scratch.set(window.bytes.subarray(from, to));
    this.#scratch.set(window.bytes.subarray(second, secondEnd), to - from);
    this.next = last;
    return renderFrame(this.#scratch, 0, bytes, encoding, epoch);
  }
}

/** More positions than this at once are rare; they just cost a rendering each. */
const CACHED_MAX = 64;
