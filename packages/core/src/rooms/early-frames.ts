/** Frames of viewers whose room is not open yet: a client need not wait for its `hello` before it sends. */
import { FRAME_BYTES_MAX, utf8Length } from "@danmakud/wire";
import type { ViewerId } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";

type Frame = string | Uint8Array;

interface Kept {
  readonly frames: Frame[];
  bytes: number;
}

/** Kept in place of frames that are too large, to be answered as they would have been. */
const OVERSIZE_TEXT = " ".repeat(FRAME_BYTES_MAX + 1);
const OVERSIZE_BINARY = new Uint8Array(FRAME_BYTES_MAX + 1);

export class EarlyFrames {
  readonly #kept = new Map<ViewerId, Kept>();

  /** Keeps a frame; false where the viewer has sent more by now than is kept for it. */
  keep(viewer: ViewerId, frame: Frame): boolean {
    const kept = this.#kept.get(viewer) ?? { frames: [], bytes: 0 };
    const bytes = frameBytes(frame);
    if (kept.frames.length >= ROOM_LIMITS.earlyFramesMax) return false;
    if (bytes > FRAME_BYTES_MAX) {
      kept.frames.push(typeof frame === "string" ? OVERSIZE_TEXT : OVERSIZE_BINARY);
    } else {
      if (kept.bytes + bytes > FRAME_BYTES_MAX) return false;
      kept.bytes += bytes;
      kept.frames.push(typeof frame === "string" ? frame : frame.slice());
    }
    this.#kept.set(viewer, kept);
    return true;
  }

  /** The viewer's frames in the order they came, which are then no longer kept. */
  take(viewer: ViewerId): readonly Frame[] {
    const frames = this.#kept.get(viewer)?.frames ?? [];
    this.#kept.delete(viewer);
    return frames;
  }
}

/** Bytes of a frame on the wire; of a text counted only where it could matter. */
export function frameBytes(frame: Frame): number {
  if (typeof frame !== "string" || frame.length * 3 <= FRAME_BYTES_MAX) return frame.length;
  return utf8Length(frame);
}
