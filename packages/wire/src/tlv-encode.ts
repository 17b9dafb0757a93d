/**
 * Encoders of the server's path: numbers and text straight into bytes, no object per record, nothing allocated.
 * Each writes one record at `at` (a multiple of four from the start of the message), never touches a byte at or past
 * `end`, and returns the aligned end. `too_large` where it does not fit. Guarded by `bench codec`.
 */
import { putU16, putU32, putU48, upper } from "./bytes.ts";
import { RECORD_BYTES_MAX, SIZE_MIN } from "./limits.ts";
import {
  ACK_BYTES,
  ACK_OFFSET_HI,
  ACK_OFFSET_LO,
  align4,
  DANMAKU_BYTES,
  DANMAKU_EXTRA,
  DANMAKU_EXTRA_BYTES,
  DANMAKU_STYLE,
  DELETE_OF_BYTES,
  DELETE_OF_HI,
  DELETE_OF_LO,
  ERROR_BYTES,
  ERROR_HAS_ID,
  ERROR_HAS_RETRY,
  ERROR_RETRY,
  EXTRA_FLAG,
  GAP_BYTES,
  HEADER_BYTES,
  HELLO_BYTES,
  HELLO_NAMES,
  ID_BYTES,
  LOG_BYTES,
  OFFSET_HI,
  OFFSET_LO,
  RECORD_TYPES,
  SCHEDULED_AT_HI,
  SCHEDULED_AT_LO,
  SCHEDULED_BYTES,
  SCHEDULED_NUMBER,
  STATS_BYTES,
  STATS_ONLINE,
  TS_HI,
  TS_LO,
} from "./tlv-layout.ts";
import { finish, putId, requireFit } from "./tlv-write.ts";
import { utf8Length, writeUtf8 } from "./utf8.ts";

/** A danmaku to encode; checked before (see `Draft`). */
export interface DanmakuFields {
  readonly uid: Uint8Array | string;
  readonly content: string;
  /** Position in `MODES`. */
  readonly mode: number;
  /** 0xrrggbb. */
  readonly color: number;
  readonly size: number;
  /** Position in `CLASSES`. */
  readonly class: number;
  readonly name?: string;
  /** A JSON object as text. */
  readonly attrs?: string;
}

/** A hello to encode. */
export interface HelloFields {
  readonly room: string;
  readonly epoch: string;
  readonly head: number;
  readonly resumed: boolean;
  readonly uid: string;
  /** Unix ms. */
  readonly serverTime: number;
}

/** Exact bytes of a danmaku with its padding: what to claim in a ring. @hot */
export function danmakuStride(d: DanmakuFields): number {
  return align4(danmakuLength(d));
}

function danmakuLength(d: DanmakuFields): number {
  let length = DANMAKU_BYTES + d.uid.length + utf8Length(d.content);
  if (d.name !== undefined || d.attrs !== undefined) {
    length += DANMAKU_EXTRA_BYTES - DANMAKU_BYTES;
    if (d.name !== undefined) length += utf8Length(d.name);
    if (d.attrs !== undefined) length += utf8Length(d.attrs);
  }
  return length;
}

/**
 * Encodes a danmaku; offset and ts stay zero until `patchLogRecord`.
 * `invalid_message` for a lone surrogate, in which case what was written before it is garbage. @hot
 */
export function encodeDanmaku(bytes: Uint8Array, at: number, d: DanmakuFields, end = bytes.length): number {
  const { uid, name, attrs } = d;
  const extra = name !== undefined || attrs !== undefined;
  // Three bytes per code unit is the worst case; only where that does not fit the texts are measured.
  const units = d.content.length + (extra ? (name?.length ?? 0) + (attrs?.length ?? 0) : 0);
  const worst = DANMAKU_EXTRA_BYTES + uid.length + 3 * units;
  if (worst > RECORD_BYTES_MAX || at + worst + 3 > end) requireFit(at, danmakuLength(d), end);

  putU32(bytes, at + OFFSET_LO, 0);
  putU32(bytes, at + TS_LO, 0);
  putU32(bytes, at + OFFSET_HI, 0);
  let to = at + (extra ? DANMAKU_EXTRA_BYTES : DANMAKU_BYTES);
  const uidByte = (uid.length - 1) | (extra ? EXTRA_FLAG : 0);
  putU32(bytes, at + DANMAKU_STYLE, (uidByte << 24) | d.color);
  if (typeof uid === "string") {
    for (let i = 0; i < uid.length; i++) bytes[to++] = uid.charCodeAt(i);
  } else {
    for (let i = 0; i < uid.length; i++) bytes[to++] = uid[i] as number;
  }
  if (extra) {
    const nameAt = to;
    if (name !== undefined) to = writeUtf8(bytes, to, name);
    const attrsAt = to;
    if (attrs !== undefined) to = writeUtf8(bytes, to, attrs);
    putU32(bytes, at + DANMAKU_EXTRA, ((to - attrsAt) << 8) | (attrsAt - nameAt));
  }
  to = writeUtf8(bytes, to, d.content);
  return finish(bytes, at, to, RECORD_TYPES.danmaku, (d.class << 8) | (d.mode << 6) | (d.size - SIZE_MIN));
}

/** Encodes a delete of one danmaku (an offset) or of all of a user's before it (a uid); offset and ts stay zero. */
export function encodeDelete(
  bytes: Uint8Array,
  at: number,
  target: number | string,
  end = bytes.length,
): number {
  const length = typeof target === "string" ? LOG_BYTES + target.length : DELETE_OF_BYTES;
  requireFit(at, length, end);
  putU32(bytes, at + OFFSET_LO, 0);
  putU32(bytes, at + TS_LO, 0);
  putU32(bytes, at + OFFSET_HI, 0);
  if (typeof target === "string") {
    const to = writeUtf8(bytes, at + LOG_BYTES, target);
    return finish(bytes, at, to, RECORD_TYPES.delete, 1);
  }
  putU32(bytes, at + DELETE_OF_LO, target >>> 0);
  putU32(bytes, at + DELETE_OF_HI, upper(target));
  return finish(bytes, at, at + length, RECORD_TYPES.delete, 0);
}

/** Encodes a gap; `reason` is the position in `GAP_REASONS`. @hot */
export function encodeGap(
  bytes: Uint8Array,
  at: number,
  from: number,
  to: number,
  reason: number,
  end = bytes.length,
): number {
  requireFit(at, GAP_BYTES, end);
  putU48(bytes, at + OFFSET_LO, at + OFFSET_HI, from);
  putU48(bytes, at + TS_LO, at + TS_HI, to);
  return finish(bytes, at, at + GAP_BYTES, RECORD_TYPES.gap, reason);
}

/** Encodes an ack. @hot */
export function encodeAck(
  bytes: Uint8Array,
  at: number,
  id: number,
  offset: number,
  end = bytes.length,
): number {
  requireFit(at, ACK_BYTES, end);
  putId(bytes, at, id);
  putU32(bytes, at + ACK_OFFSET_LO, offset >>> 0);
  putU32(bytes, at + ACK_OFFSET_HI, upper(offset));
  return finish(bytes, at, at + ACK_BYTES, RECORD_TYPES.ack, 0);
}

/** Encodes the answer to a publish that waits for its time. */
export function encodeScheduled(
  bytes: Uint8Array,
  at: number,
  id: number,
  scheduled: number,
  deliverAt: number,
  end = bytes.length,
): number {
  requireFit(at, SCHEDULED_BYTES, end);
  putId(bytes, at, id);
  putU32(bytes, at + SCHEDULED_NUMBER, scheduled);
  putU32(bytes, at + SCHEDULED_AT_LO, deliverAt >>> 0);
  putU32(bytes, at + SCHEDULED_AT_HI, upper(deliverAt));
  return finish(bytes, at, at + SCHEDULED_BYTES, RECORD_TYPES.scheduled, 0);
}

/** Encodes an error; `code` is the position in `ERROR_CODES`. `id` and `retryAfterMs` are left out when undefined. */
export function encodeError(
  bytes: Uint8Array,
  at: number,
  code: number,
  message: string,
  id?: number,
  retryAfterMs?: number,
  end = bytes.length,
): number {
  // Messages may quote what a client sent; a lone surrogate must not keep the refusal from going out.
  const text = message.toWellFormed();
  requireFit(at, ERROR_BYTES + utf8Length(text), end);
  putId(bytes, at, id ?? 0);
  putU32(bytes, at + ERROR_RETRY, retryAfterMs ?? 0);
  const to = writeUtf8(bytes, at + ERROR_BYTES, text);
  const flags = (id === undefined ? 0 : ERROR_HAS_ID) | (retryAfterMs === undefined ? 0 : ERROR_HAS_RETRY);
  return finish(bytes, at, to, RECORD_TYPES.error, flags | code);
}

/** Encodes a hello. */
export function encodeHello(bytes: Uint8Array, at: number, hello: HelloFields, end = bytes.length): number {
  const { room, epoch, uid } = hello;
  requireFit(at, HELLO_BYTES + room.length + epoch.length + uid.length, end);
  putU48(bytes, at + OFFSET_LO, at + OFFSET_HI, hello.head);
  putU48(bytes, at + TS_LO, at + TS_HI, hello.serverTime);
  putU16(bytes, at + HELLO_NAMES, (epoch.length << 8) | room.length);
  putU16(bytes, at + HELLO_NAMES + 2, uid.length);
  let to = writeUtf8(bytes, at + HELLO_BYTES, room);
  to = writeUtf8(bytes, to, epoch);
  to = writeUtf8(bytes, to, uid);
  return finish(bytes, at, to, RECORD_TYPES.hello, hello.resumed ? 1 : 0);
}

/** Encodes a stats record. */
export function encodeStats(bytes: Uint8Array, at: number, online: number, end = bytes.length): number {
  requireFit(at, STATS_BYTES, end);
  putU32(bytes, at + STATS_ONLINE, online);
  return finish(bytes, at, at + STATS_BYTES, RECORD_TYPES.stats, 0);
}

/** Encodes a pong. */
export function encodePong(bytes: Uint8Array, at: number, id: number, end = bytes.length): number {
  return encodeIdOnly(bytes, at, RECORD_TYPES.pong, id, end);
}

/** Encodes a ping. */
export function encodePing(bytes: Uint8Array, at: number, id: number, end = bytes.length): number {
  return encodeIdOnly(bytes, at, RECORD_TYPES.ping, id, end);
}

function encodeIdOnly(bytes: Uint8Array, at: number, type: number, id: number, end: number): number {
  requireFit(at, ID_BYTES, end);
  putId(bytes, at, id);
  return finish(bytes, at, at + ID_BYTES, type, 0);
}

/** Encodes a deflate record around compressed records. */
export function encodeDeflate(bytes: Uint8Array, at: number, packed: Uint8Array, end = bytes.length): number {
  requireFit(at, HEADER_BYTES + packed.length, end);
  bytes.set(packed, at + HEADER_BYTES);
  return finish(bytes, at, at + HEADER_BYTES + packed.length, RECORD_TYPES.deflate, 0);
}
