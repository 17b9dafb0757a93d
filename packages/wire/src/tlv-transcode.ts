/**
 * The short way of a publish: from the client's record to the danmaku record, byte by byte, without an object or a text
 * in between. It takes the plain ones (no uid, name, class, attrs or time) whose content is made of characters that
 * need no second look, which is nearly all; everything else, and everything wrong, is left to the long way
 * (`parseClientRecord`), which knows all rules and says which one is broken.
 */
import { getU32, join, putU32 } from "./bytes.ts";
import { KEY_BYTES_MAX, SIZE_MAX, SIZE_MIN } from "./limits.ts";
import { recordAux } from "./tlv-check.ts";
import { recordLength, recordType } from "./tlv-fields.ts";
import {
  align4,
  DANMAKU_BYTES,
  DANMAKU_STYLE,
  ID_HI,
  ID_HI_MASK,
  ID_LO,
  OFFSET_HI,
  OFFSET_LO,
  PUBLISH_BYTES,
  PUBLISH_CLASS_SHIFT,
  PUBLISH_SIZE_SHIFT,
  PUBLISH_STYLE,
  RECORD_TYPES,
  TS_LO,
} from "./tlv-layout.ts";
import { finish } from "./tlv-write.ts";

/** Id of a publish record. @hot */
export function publishId(bytes: Uint8Array, at: number): number {
  return join(getU32(bytes, at + ID_LO), getU32(bytes, at + ID_HI) & ID_HI_MASK);
}

/** Bytes of the key of a publish record; it starts at `publishKeyStart`. @hot */
export function publishKeyBytes(bytes: Uint8Array, at: number): number {
  return bytes[at + PUBLISH_STYLE + 3] as number;
}

/** Start of the key of a publish record that `isPlainPublish` has passed. @hot */
export function publishKeyStart(at: number): number {
  return at + PUBLISH_BYTES;
}

/**
 * Whether the record (its header checked) is a publish that can go the short way: every rule of the contract holds for
 * it, seen from its bytes alone. @hot
 */
export function isPlainPublish(bytes: Uint8Array, at: number, codePointsMax: number): boolean {
  const length = recordLength(bytes, at);
  if (recordType(bytes, at) !== RECORD_TYPES.publish || length <= PUBLISH_BYTES || recordAux(bytes, at) > 3) {
    return false;
  }
  const w2 = getU32(bytes, at + ID_HI);
  if (w2 >>> PUBLISH_CLASS_SHIFT !== 0 || ((w2 >>> PUBLISH_SIZE_SHIFT) & 0x3f) > SIZE_MAX - SIZE_MIN)
    return false;
  const keyBytes = publishKeyBytes(bytes, at);
  const content = at + PUBLISH_BYTES + keyBytes;
  const end = at + length;
  if (keyBytes > KEY_BYTES_MAX || content >= end) return false;
  // A key of printable ASCII; others have to be looked at as text.
  for (let i = at + PUBLISH_BYTES; i < content; i++) if (!isPrintable(bytes[i] as number)) return false;
  return isPlainContent(bytes, content, end, codePointsMax);
}

/** Bytes of the danmaku record (with padding) that `transcodePublish` makes of the publish. @hot */
export function transcodedStride(bytes: Uint8Array, at: number, uidBytes: number): number {
  return align4(
    DANMAKU_BYTES + uidBytes + recordLength(bytes, at) - PUBLISH_BYTES - publishKeyBytes(bytes, at),
  );
}

/**
 * Writes the danmaku record of a plain publish: same mode, colour, size and content, by `uid`, of class `classCode`;
 * offset and ts stay zero. Returns the aligned end. @hot
 */
export function transcodePublish(
  from: Uint8Array,
  at: number,
  into: Uint8Array,
  intoAt: number,
  uid: Uint8Array,
  classCode: number,
): number {
  const uidBytes = uid.length;
  const content = at + PUBLISH_BYTES + publishKeyBytes(from, at);
  const end = at + recordLength(from, at);
  const size = (getU32(from, at + ID_HI) >>> PUBLISH_SIZE_SHIFT) & 0x3f;
  putU32(into, intoAt + OFFSET_LO, 0);
  putU32(into, intoAt + TS_LO, 0);
  putU32(into, intoAt + OFFSET_HI, 0);
  putU32(
    into,
    intoAt + DANMAKU_STYLE,
    ((uidBytes - 1) << 24) | (getU32(from, at + PUBLISH_STYLE) & 0xff_ffff),
  );
  let to = intoAt + DANMAKU_BYTES;
  for (let i = 0; i < uidBytes; i++) into[to++] = uid[i] as number;
  for (let i = content; i < end; i++) into[to++] = from[i] as number;
  return finish(into, intoAt, to, RECORD_TYPES.danmaku, (classCode << 8) | (recordAux(from, at) << 6) | size);
}

function isPrintable(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f;
}

/**
 * Printable ASCII and the blocks U+3041–U+3130 and U+3400–U+9FFF (kana, bopomofo, ideographs), all of which are
 * visible; spaces between them. Well-formed by construction: three bytes with leads E3–E9 and two continuations.
 */
function isPlainContent(bytes: Uint8Array, from: number, to: number, codePointsMax: number): boolean {
  if (bytes[from] === 0x20 || bytes[to - 1] === 0x20) return false;
  let points = 0;
  for (let i = from; i < to; i++) {
    const lead = bytes[i] as number;
    points++;
    if (lead < 0x7f) {
      if (lead < 0x20) return false;
      continue;
    }
    if (lead < 0xe3 || lead > 0xe9 || i + 2 >= to) return false;
    const second = bytes[++i] as number;
    const third = bytes[++i] as number;
    if ((second & 0xc0) !== 0x80 || (third & 0xc0) !== 0x80) return false;
    if (lead === 0xe3 && second < 0x90) {
      // U+3000–U+33FF holds an invisible space, the Hangul filler and others: only what is known to be plain.
      const point = 0x3000 | ((second & 0x3f) << 6) | (third & 0x3f);
      if (point < 0x3041 || point > 0x3130) return false;
    }
  }
  return points <= codePointsMax;
}
