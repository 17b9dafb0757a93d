/** Validation of TLV bytes without making objects. Every read stays inside the record, the record inside `end`. */
import { getU16, getU32 } from "./bytes.ts";
import { isObject } from "./draft.ts";
import { invalid } from "./error.ts";
import { ATTRS_BYTES_MAX, NAME_CHARS_MAX, SIZE_MAX, SIZE_MIN } from "./limits.ts";
import { isNameChar } from "./names.ts";
import { CLASSES } from "./record.ts";
import { recordType } from "./tlv-fields.ts";
import {
  AUX_SHIFT,
  align4,
  DANMAKU_BYTES,
  DANMAKU_EXTRA,
  DANMAKU_EXTRA_BYTES,
  DANMAKU_UID_BYTES,
  DELETE_OF_BYTES,
  DELETE_OF_HI,
  EXTRA_FLAG,
  HEADER_BYTES,
  LOG_BYTES,
  RECORD_TYPES,
  UID_BYTES_MASK,
} from "./tlv-layout.ts";
import { isUtf8, readUtf8 } from "./utf8.ts";

/**
 * Checks header and padding of the record at `at`, which has to lie wholly before `end`, and returns its length.
 * Throws `invalid_message`. @hot
 */
export function checkHeader(bytes: Uint8Array, at: number, end: number): number {
  // Past the end there are no bytes, and a length of 0 is too short as well.
  const length = at + HEADER_BYTES > end ? 0 : getU16(bytes, at);
  const next = at + align4(length);
  if (length < HEADER_BYTES || next > end) invalid("record is cut off");
  for (let i = at + length; i < next; i++) if (bytes[i] !== 0) invalid("padding is not zero");
  return length;
}

/** Upper 11 bits of the header word. */
export function recordAux(bytes: Uint8Array, at: number): number {
  return getU32(bytes, at) >>> AUX_SHIFT;
}

/**
 * Checks a log record (danmaku or delete) as thoroughly as decoding would, without making an object, and returns the
 * bytes to the next one. Throws `invalid_message`. @hot
 */
export function checkRecord(bytes: Uint8Array, at: number, end: number): number {
  const length = checkHeader(bytes, at, end);
  const type = recordType(bytes, at);
  if (type === RECORD_TYPES.danmaku) {
    const content = checkDanmaku(bytes, at, length);
    if (
      content > at + DANMAKU_EXTRA_BYTES &&
      ((bytes[at + DANMAKU_UID_BYTES] as number) & EXTRA_FLAG) !== 0
    ) {
      checkExtra(bytes, at, content);
    }
    if (!isUtf8(bytes, content, at + length)) invalid("content is not UTF-8");
  } else if (type === RECORD_TYPES.delete) {
    checkDelete(bytes, at, length);
  } else {
    invalid("record is neither danmaku nor delete");
  }
  return align4(length);
}

/** Structure of a danmaku up to and without its texts' UTF-8; returns where the content starts. @hot */
export function checkDanmaku(bytes: Uint8Array, at: number, length: number): number {
  const aux = recordAux(bytes, at);
  if (length < DANMAKU_BYTES || (aux & 0x3f) > SIZE_MAX - SIZE_MIN || aux >>> 8 >= CLASSES.length) {
    malformed("danmaku");
  }
  const flags = bytes[at + DANMAKU_UID_BYTES] as number;
  const uidBytes = (flags & UID_BYTES_MASK) + 1;
  let start = at + DANMAKU_BYTES;
  let more = 0;
  if ((flags & EXTRA_FLAG) !== 0) {
    if (length < DANMAKU_EXTRA_BYTES) malformed("danmaku");
    const extra = getU32(bytes, at + DANMAKU_EXTRA);
    if (extra === 0 || extra >>> 24 !== 0) malformed("danmaku");
    start = at + DANMAKU_EXTRA_BYTES;
    more = (extra & 0xff) + (extra >>> 8);
  }
  const content = start + uidBytes + more;
  // At least one byte of content.
  if (content >= at + length) malformed("danmaku");
  checkName(bytes, start, start + uidBytes, "uid");
  return content;
}

/** Name and attributes of a danmaku whose structure is checked. */
function checkExtra(bytes: Uint8Array, at: number, content: number): void {
  const extra = getU32(bytes, at + DANMAKU_EXTRA);
  const attrsAt = content - (extra >>> 8);
  if (!isUtf8(bytes, attrsAt - (extra & 0xff), attrsAt)) invalid("name is not UTF-8");
  if (attrsAt < content) readAttrs(bytes, attrsAt, content);
}

/** Structure of a delete record; returns whether it is by uid. */
export function checkDelete(bytes: Uint8Array, at: number, length: number): boolean {
  const aux = recordAux(bytes, at);
  if (aux === 1) {
    checkName(bytes, at + LOG_BYTES, at + length, "uid");
    return true;
  }
  if (aux > 1 || length !== DELETE_OF_BYTES || getU16(bytes, at + DELETE_OF_HI + 2) !== 0)
    malformed("delete");
  return false;
}

/** Throws `invalid_message` for a length, flag or number that an encoder would not have written. */
export function malformed(type: string): never {
  invalid(`${type} record is malformed`);
}

/** Checks 1–64 characters of the alphabet of rooms and uids. @hot */
export function checkName(bytes: Uint8Array, from: number, to: number, what: string): void {
  if (to <= from || to - from > NAME_CHARS_MAX) invalid(`${what} is not 1 to ${NAME_CHARS_MAX} characters`);
  for (let i = from; i < to; i++) {
    if (!isNameChar(bytes[i] as number)) invalid(`${what} has a character outside A-Z a-z 0-9 _ . -`);
  }
}

/** Reads attributes: a JSON object of at most 1,024 bytes, without control characters (so it stays on one line). */
export function readAttrs(bytes: Uint8Array, from: number, to: number): Record<string, unknown> {
  if (to - from > ATTRS_BYTES_MAX) invalid(`attrs is over ${ATTRS_BYTES_MAX} bytes`);
  for (let i = from; i < to; i++) if ((bytes[i] as number) < 0x20) invalid("attrs has a control character");
  try {
    const value: unknown = JSON.parse(readUtf8(bytes, from, to));
    if (isObject(value)) return value;
  } catch {
    // No JSON is no object.
  }
  return invalid("attrs is not a JSON object");
}
