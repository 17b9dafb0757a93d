/**
 * Fields of a TLV record where it lies, without an object. For records that this process encoded or that
 * `checkRecord` has passed; nothing is checked here. Guarded by `bench codec`.
 */
import { getU16, getU32, getU48, putU48 } from "./bytes.ts";
import {
  align4,
  DANMAKU_BYTES,
  DANMAKU_EXTRA_BYTES,
  DANMAKU_STYLE,
  DANMAKU_UID_BYTES,
  DELETE_OF_BYTES,
  DELETE_OF_HI,
  DELETE_OF_LO,
  EXTRA_FLAG,
  LOG_BYTES,
  OFFSET_HI,
  OFFSET_LO,
  RECORD_TYPES,
  SAMPLED_FLAG,
  TS_HI,
  TS_LO,
  UID_BYTES_MASK,
} from "./tlv-layout.ts";
import { readUtf8 } from "./utf8.ts";

/** Number of the type, see `RECORD_TYPES`. @hot */
export function recordType(bytes: Uint8Array, at: number): number {
  return (bytes[at + 2] as number) & 0x1f;
}

/** Bytes of the record without padding. @hot */
export function recordLength(bytes: Uint8Array, at: number): number {
  return getU16(bytes, at);
}

/** Bytes to the next record. @hot */
export function recordStride(bytes: Uint8Array, at: number): number {
  return align4(getU16(bytes, at));
}

/** True for danmaku and delete, which have an offset and a ts. @hot */
export function isLogRecord(bytes: Uint8Array, at: number): boolean {
  const type = recordType(bytes, at);
  return type === RECORD_TYPES.danmaku || type === RECORD_TYPES.delete;
}

/** Offset of a log record. @hot */
export function recordOffset(bytes: Uint8Array, at: number): number {
  return getU48(bytes, at + OFFSET_LO, at + OFFSET_HI);
}

/** Timestamp of a log record, Unix ms. @hot */
export function recordTs(bytes: Uint8Array, at: number): number {
  return getU48(bytes, at + TS_LO, at + TS_HI);
}

/** Sets offset and ts (Unix ms) of a log record of either type. @hot */
export function patchLogRecord(bytes: Uint8Array, at: number, offset: number, ts: number): void {
  putU48(bytes, at + OFFSET_LO, at + OFFSET_HI, offset);
  putU48(bytes, at + TS_LO, at + TS_HI, ts);
}

/** Class of a danmaku as its position in `CLASSES`. @hot */
export function danmakuClass(bytes: Uint8Array, at: number): number {
  return (bytes[at + 3] as number) >>> 5;
}

/** Mode of a danmaku as its position in `MODES`. @hot */
export function danmakuMode(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 3] as number) >>> 3) & 3;
}

/** Font size of a danmaku. @hot */
export function danmakuSize(bytes: Uint8Array, at: number): number {
  return 12 + (((bytes[at + 2] as number) >>> 5) | (((bytes[at + 3] as number) & 7) << 3));
}

/** Colour of a danmaku as 0xrrggbb. @hot */
export function danmakuColor(bytes: Uint8Array, at: number): number {
  return getU32(bytes, at + DANMAKU_STYLE) & 0xff_ffff;
}

/** Start of a danmaku's uid. @hot */
export function danmakuUidStart(bytes: Uint8Array, at: number): number {
  return ((bytes[at + DANMAKU_UID_BYTES] as number) & EXTRA_FLAG) !== 0
    ? at + DANMAKU_EXTRA_BYTES
    : at + DANMAKU_BYTES;
}

/** Bytes of a danmaku's uid. @hot */
export function danmakuUidBytes(bytes: Uint8Array, at: number): number {
  return ((bytes[at + DANMAKU_UID_BYTES] as number) & UID_BYTES_MASK) + 1;
}

/** The uid of a danmaku; makes a string. */
export function danmakuUid(bytes: Uint8Array, at: number): string {
  const start = danmakuUidStart(bytes, at);
  return readUtf8(bytes, start, start + danmakuUidBytes(bytes, at));
}

/** True where a danmaku is by this user. @hot */
export function danmakuUidEquals(bytes: Uint8Array, at: number, uid: string): boolean {
  if (danmakuUidBytes(bytes, at) !== uid.length) return false;
  const start = danmakuUidStart(bytes, at);
  for (let i = 0; i < uid.length; i++) if (bytes[start + i] !== uid.charCodeAt(i)) return false;
  return true;
}

/** True where a danmaku was left out of what others see. @hot */
export function danmakuSampled(bytes: Uint8Array, at: number): boolean {
  return (bytes[at + DANMAKU_UID_BYTES] as number) >= SAMPLED_FLAG;
}

/** Marks a danmaku as left out of what others see. @hot */
export function markSampled(bytes: Uint8Array, at: number): void {
  bytes[at + DANMAKU_UID_BYTES] = (bytes[at + DANMAKU_UID_BYTES] as number) | SAMPLED_FLAG;
}

/** Offset that a delete record takes away; −1 where it is by uid. @hot */
export function deleteOf(bytes: Uint8Array, at: number): number {
  return deleteIsByUid(bytes, at) ? -1 : getU48(bytes, at + DELETE_OF_LO, at + DELETE_OF_HI);
}

/** User whose danmaku a delete record takes away; undefined where it is by offset. */
export function deleteOfUid(bytes: Uint8Array, at: number): string | undefined {
  if (!deleteIsByUid(bytes, at)) return undefined;
  return readUtf8(bytes, at + LOG_BYTES, at + recordLength(bytes, at));
}

function deleteIsByUid(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at + 2] as number) & 0x20) !== 0;
}

/** Bytes of a delete record by offset. */
export const DELETE_BY_OFFSET_BYTES = DELETE_OF_BYTES;
