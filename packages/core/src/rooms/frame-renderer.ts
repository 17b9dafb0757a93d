/** From TLV records in a buffer to the frame a viewer gets. */
import {
  encodeDeflate,
  isLogRecord,
  RECORD_BYTES_MAX,
  RECORD_TYPES,
  recordOffset,
  recordStride,
  recordsToJson,
  recordToJson,
  recordTs,
  recordType,
} from "@danmakud/wire";
import { ROOM_LIMITS } from "./limits.ts";
import { JSON_DEFLATE, SSE, TLV, TLV_DEFLATE } from "./viewer-table.ts";

export type Frame = Uint8Array | string;

/** Raw DEFLATE (RFC 1951) of bytes. */
export type Deflate = (bytes: Uint8Array) => Uint8Array;

const encoder = new TextEncoder();

export class FrameRenderer {
  readonly #deflate: Deflate;

  constructor(deflate: Deflate) {
    this.#deflate = deflate;
  }

  /**
   * The records in [from, to) of `bytes` in an encoding. A plain TLV frame is a view: send it before the buffer changes.
   * `cursor` is the position that a `hello` among the records stands for; negative where it is not known yet.
   */
  render(bytes: Uint8Array, from: number, to: number, encoding: number, epoch: string, cursor = 0): Frame {
    switch (encoding) {
      case TLV:
        return bytes.subarray(from, to);
      case TLV_DEFLATE:
        return this.#compressed(bytes.subarray(from, to));
      case SSE:
        return renderEvents(bytes, from, to, epoch, cursor);
      case JSON_DEFLATE: {
        const text = recordsToJson(bytes, from, to);
        return text.length < ROOM_LIMITS.deflateBytesMin ? text : this.#deflate(encoder.encode(text));
      }
      default:
        return recordsToJson(bytes, from, to);
    }
  }

  /** One `deflate` record in place of the records, where that is shorter. */
  #compressed(records: Uint8Array): Uint8Array {
    if (records.length < ROOM_LIMITS.deflateBytesMin) return records;
    const packed = this.#deflate(records);
    if (packed.length + DEFLATE_OVERHEAD > Math.min(records.length, RECORD_BYTES_MAX)) return records;
    const frame = new Uint8Array(packed.length + DEFLATE_OVERHEAD);
    return frame.subarray(0, encodeDeflate(frame, 0, packed));
  }
}

/** Header and padding of a `deflate` record. */
const DEFLATE_OVERHEAD = 8;

/**
 * Server-Sent Events (HTML Living Standard, section 9.2): one event per record. The id is the position to resume
 * after; records that do not move it have none.
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
