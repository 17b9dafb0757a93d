import type { Frame, FrameRenderer } from "./frame-renderer.ts";
import { ROOM_LIMITS } from "./limits.ts";
import type { RoomWindow } from "./room-window.ts";
import { ShownWriter } from "./shown-writer.ts";
import { JSON_DEFLATE, JSON_TEXT, TLV, TLV_DEFLATE } from "./viewer-table.ts";

/**
 * Frames cut from a room's window as it was at `begin`, made once and given to every viewer at the same position. Where
 * records were left out of what viewers see, frames have gaps in their place; a frame ends with its last record, so that
 * what is left out after it becomes one gap with what will be.
 */
export class WindowFrames {
  /** Head of the window and its newest record that everybody sees, at `begin`. */
  head = 0;
  lastShown = 0;
  /** How often a frame was asked for since. */
  uses = 0;
  #window: RoomWindow | undefined;
  readonly #after: number[] = [];
  readonly #frames: Frame[] = [];
  readonly #nexts: number[] = [];
  readonly #counts: number[] = [];
  /** Where the frame last asked for ends: the viewer's next cursor. */
  next = 0;
  /** Records in it. */
  count = 0;
  /** The stretches of the window that it is made of; the second one is empty where the first reaches far enough. */
  #from = 0;
  #to = 0;
  #secondFrom = 0;
  #secondTo = 0;
  readonly #shown = new ShownWriter();
  /** Where frames are put together that are no slices: those of one pass behind one another, all in use at once. */
  #arena = new Uint32Array(0);
  #arenaBytes = new Uint8Array(0);
  #arenaEnd = 0;
  readonly #renderer: FrameRenderer;
  readonly #isKept: boolean;

  /** @param isKept Frames stay valid when the window changes; else they are to be sent before. */
  constructor(renderer: FrameRenderer, isKept: boolean) {
    this.#renderer = renderer;
    this.#isKept = isKept;
  }

  /** From now on frames end with the window's present head. */
  begin(window: RoomWindow): void {
    this.#window = window;
    this.head = window.head;
    this.lastShown = window.lastShown;
    this.uses = 0;
    this.#clear();
  }

  /** Whether they are of this window, which a room may give up for another one. */
  isOf(window: RoomWindow): boolean {
    return this.#window === window;
  }

  /** Lets go of all that it holds of a room. */
  end(): void {
    this.#window = undefined;
    this.#clear();
  }

  #clear(): void {
    this.#after.length = 0;
    this.#frames.length = 0;
    this.#nexts.length = 0;
    this.#counts.length = 0;
    this.#arenaEnd = 0;
  }

  /** The frame that follows `after` (in the window, below `head`). @hot bench/fanout.ts */
  get(window: RoomWindow, after: number, encoding: number, epoch: string): Frame {
    this.uses++;
    // Nearly all viewers stand at the same place, so the list is one or two long per encoding.
    const key = after * ENCODINGS_MAX + encoding;
    for (let i = 0; i < this.#after.length; i++) {
      if (this.#after[i] !== key) continue;
      this.next = this.#nexts[i] as number;
      this.count = this.#counts[i] as number;
      return this.#frames[i] as Frame;
    }
    // Before the frame is made, which may not lie where the next one will.
    if (this.#after.length === CACHED_MAX) this.#clear();
    const made = this.#make(window, after, encoding, epoch);
    const isSlice = typeof made !== "string" && made.buffer === window.bytes.buffer;
    const frame = isSlice && this.#isKept ? made.slice() : made;
    this.#after.push(key);
    this.#frames.push(frame);
    this.#nexts.push(this.next);
    this.#counts.push(this.count);
    return frame;
  }

  /**
   * The same for a viewer who may have sent something that others do not see; never compressed, as it is for nobody else.
   * Valid until the next call of either.
   */
  getOwn(window: RoomWindow, after: number, encoding: number, epoch: string, uid: string): Frame {
    this.uses++;
    this.#span(window, after);
    const start = this.#arenaEnd;
    const frame = this.#write(window, after, plainEncoding(encoding), epoch, uid);
    this.#arenaEnd = start;
    return frame;
  }

  #make(window: RoomWindow, after: number, encoding: number, epoch: string): Frame {
    this.#span(window, after);
    if (after < window.lastLeftOut) return this.#write(window, after, encoding, epoch, undefined);
    this.count = this.next - after;
    if (this.#secondFrom === this.#secondTo)
      return this.#renderer.render(window.bytes, this.#from, this.#to, encoding, epoch);
    const first = this.#to - this.#from;
    const start = this.#reserve(first + this.#secondTo - this.#secondFrom);
    this.#arenaEnd = start + first + this.#secondTo - this.#secondFrom;
    this.#arenaBytes.set(window.bytes.subarray(this.#from, this.#to), start);
    this.#arenaBytes.set(window.bytes.subarray(this.#secondFrom, this.#secondTo), start + first);
    return this.#renderer.render(this.#arenaBytes, start, this.#arenaEnd, encoding, epoch);
  }

  /** Finds the stretches of the window that a frame after `after` covers. */
  #span(window: RoomWindow, after: number): void {
    const end = Math.min(window.runEnd(after + 1), this.head);
    this.#from = window.startOf(after + 1);
    this.#to = window.endOf(end);
    this.#secondFrom = 0;
    this.#secondTo = 0;
    this.next = end;
    if (end === this.head || this.#to - this.#from >= ROOM_LIMITS.frameBytesMax / 2) return;
    // The run goes on at the start of the buffer: both parts in one frame, for one send.
    const last = Math.min(window.runEnd(end + 1), this.head);
    this.#secondFrom = window.startOf(end + 1);
    this.#secondTo = window.endOf(last);
    this.next = last;
  }

  /** Puts a frame together from its stretches. */
  #write(window: RoomWindow, after: number, encoding: number, epoch: string, uid: string | undefined): Frame {
    const { words, bytes } = window;
    const start = this.#reserve(this.#to - this.#from + this.#secondTo - this.#secondFrom);
    const shown = this.#shown;
    shown.begin(this.#arena, this.#arenaBytes, start);
    shown.add(words, bytes, this.#from, this.#to, uid);
    shown.add(words, bytes, this.#secondFrom, this.#secondTo, uid);
    this.count = this.next - after - shown.leftOut;
    if (uid === undefined && shown.end > start) this.next -= shown.hold();
    else shown.finish();
    this.#arenaEnd = shown.end;
    return this.#renderer.render(this.#arenaBytes, start, shown.end, encoding, epoch);
  }

  /** Takes room in the arena; a larger one leaves the frames in the old one as they are. */
  #reserve(bytes: number): number {
    if (this.#arenaEnd + bytes > this.#arenaBytes.length) {
      const size = Math.max(bytes * 2, this.#arenaBytes.length, ARENA_BYTES_MIN);
      this.#arena = new Uint32Array(2 ** Math.ceil(Math.log2(size)) / 4);
      this.#arenaBytes = new Uint8Array(this.#arena.buffer);
      this.#arenaEnd = 0;
    }
    return this.#arenaEnd;
  }
}

const ARENA_BYTES_MIN = 16 * 1024;

/** More positions than this at once are rare; they just cost a rendering each. */
const CACHED_MAX = 64;
/** Encodings a viewer may have, for keys that hold an offset beside one. */
const ENCODINGS_MAX = 8;

/** What viewers of compressed frames may get as well. */
function plainEncoding(encoding: number): number {
  if (encoding === TLV_DEFLATE) return TLV;
  return encoding === JSON_DEFLATE ? JSON_TEXT : encoding;
}
