/**
 * TLV records to their JSON text without an object in between: the text is written as UTF-8 into a scratch buffer,
 * which is decoded once per call, however many records there are. The result is what `JSON.stringify` makes of the
 * decoded record, letter for letter. Guarded by `bench codec`.
 */
import { getU32, getU48, join } from "./bytes.ts";
import { invalid } from "./error.ts";
import { asciiBytes, copyBytes, copyPiece, writeEscaped, writeHexColor, writeUint } from "./json-write.ts";
import { CLASSES, MODES } from "./record.ts";
import { decodeRecord } from "./tlv-decode.ts";
import {
  danmakuClass,
  danmakuColor,
  danmakuMode,
  danmakuSize,
  danmakuUidBytes,
  danmakuUidStart,
  recordLength,
  recordOffset,
  recordStride,
  recordTs,
  recordType,
} from "./tlv-fields.ts";
import {
  ACK_OFFSET_HI,
  ACK_OFFSET_LO,
  DANMAKU_EXTRA,
  DANMAKU_EXTRA_BYTES,
  HEADER_BYTES,
  ID_HI,
  ID_LO,
  RECORD_TYPES,
} from "./tlv-layout.ts";
import { writeUtf8 } from "./utf8.ts";

/** The JSON text of one record that this process encoded or checked. */
export function recordToJson(bytes: Uint8Array, at: number): string {
  reserve(jsonBytesMax(recordLength(bytes, at)));
  return decode(writeRecord(bytes, at, 0));
}

/**
 * The JSON array of all records in a range: whole records that this process encoded or checked.
 * Throws `invalid_message` where the range does not end with a record. @hot
 */
export function recordsToJson(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  let out = 0;
  for (let at = from; at < to; ) {
    const stride = recordStride(bytes, at);
    if (stride < HEADER_BYTES || at + stride > to) invalid("range does not end with a record");
    const worst = jsonBytesMax(stride);
    if (out + worst > scratch.length) {
      text += decode(out);
      out = 0;
      reserve(worst);
    }
    scratch[out] = at === from ? OPEN : COMMA;
    out = writeRecord(bytes, at, out + 1);
    at += stride;
  }
  return text === "" && out === 0 ? "[]" : `${text}${decode(out)}]`;
}

const OPEN = 0x5b;
const COMMA = 0x2c;

/** What is not text of the record itself, with room to spare. */
const FRAME_JSON_BYTES_MAX = 256;

/** Most bytes of JSON that a record can become: every byte of it as `\u00xx`. */
function jsonBytesMax(recordBytes: number): number {
  return FRAME_JSON_BYTES_MAX + 6 * recordBytes;
}

/** Grows on demand, at most to what the longest record can become (384 KiB). Private to the thread. */
let scratch = new Uint8Array(0);
const SCRATCH_BYTES_MIN = 64 * 1024;
const decoder = /* @__PURE__ */ new TextDecoder("utf-8", { ignoreBOM: true });

function reserve(length: number): void {
  if (length > scratch.length) scratch = new Uint8Array(Math.max(length, SCRATCH_BYTES_MIN));
}

function decode(length: number): string {
  return decoder.decode(scratch.subarray(0, length));
}

/** Writes one record at `out` of the scratch, which has room; returns the end. @hot */
function writeRecord(bytes: Uint8Array, at: number, out: number): number {
  const type = recordType(bytes, at);
  if (type === RECORD_TYPES.danmaku) return writeDanmaku(bytes, at, out);
  if (type === RECORD_TYPES.ack) return writeAck(bytes, at, out);
  return writeUtf8(scratch, out, JSON.stringify(decodeRecord(bytes, at)));
}

const DANMAKU = /* @__PURE__ */ asciiBytes('{"type":"danmaku","offset":');
const TS = /* @__PURE__ */ asciiBytes(',"ts":');
const UID = /* @__PURE__ */ asciiBytes(',"uid":"');
const CONTENT = /* @__PURE__ */ asciiBytes('","content":"');
const STYLE = /* @__PURE__ */ MODES.map((mode) => asciiBytes(`","mode":"${mode}","color":"#`));
const SIZE = /* @__PURE__ */ asciiBytes('","size":');
const CLASS = /* @__PURE__ */ CLASSES.map((name) => asciiBytes(`,"class":"${name}"`));
const NAME = /* @__PURE__ */ asciiBytes(',"name":"');
const ATTRS = /* @__PURE__ */ asciiBytes(',"attrs":');

function writeDanmaku(bytes: Uint8Array, at: number, out: number): number {
  const end = at + recordLength(bytes, at);
  const uidAt = danmakuUidStart(bytes, at);
  const uidEnd = uidAt + danmakuUidBytes(bytes, at);
  const extra = uidAt === at + DANMAKU_EXTRA_BYTES ? getU32(bytes, at + DANMAKU_EXTRA) : 0;
  const attrsAt = uidEnd + (extra & 0xff);
  const contentAt = attrsAt + (extra >>> 8);
  out = copyPiece(scratch, out, DANMAKU);
  out = writeUint(scratch, out, recordOffset(bytes, at));
  out = copyPiece(scratch, out, TS);
  out = writeUint(scratch, out, recordTs(bytes, at));
  out = copyPiece(scratch, out, UID);
  out = copyBytes(scratch, out, bytes, uidAt, uidEnd);
  out = copyPiece(scratch, out, CONTENT);
  out = writeEscaped(scratch, out, bytes, contentAt, end);
  out = copyPiece(scratch, out, STYLE[danmakuMode(bytes, at)] as Uint8Array);
  out = writeHexColor(scratch, out, danmakuColor(bytes, at));
  out = copyPiece(scratch, out, SIZE);
  out = writeUint(scratch, out, danmakuSize(bytes, at));
  out = copyPiece(scratch, out, CLASS[danmakuClass(bytes, at)] as Uint8Array);
  if (attrsAt > uidEnd) {
    out = copyPiece(scratch, out, NAME);
    out = writeEscaped(scratch, out, bytes, uidEnd, attrsAt);
    scratch[out++] = 0x22;
  }
  if (contentAt > attrsAt) {
    out = copyPiece(scratch, out, ATTRS);
    out = copyBytes(scratch, out, bytes, attrsAt, contentAt);
  }
  scratch[out++] = 0x7d;
  return out;
}

const ACK = /* @__PURE__ */ asciiBytes('{"type":"ack","id":');
const OFFSET = /* @__PURE__ */ asciiBytes(',"offset":');

function writeAck(bytes: Uint8Array, at: number, out: number): number {
  out = copyPiece(scratch, out, ACK);
  out = writeUint(scratch, out, join(getU32(bytes, at + ID_LO), getU32(bytes, at + ID_HI)));
  out = copyPiece(scratch, out, OFFSET);
  out = writeUint(scratch, out, getU48(bytes, at + ACK_OFFSET_LO, at + ACK_OFFSET_HI));
  scratch[out++] = 0x7d;
  return out;
}
