/**
 * TLV records to objects, for clients, tools and tests. Any byte that an encoder would not have written is
 * `invalid_message`: lengths, padding, unknown types and flags, texts that are not UTF-8.
 */
import { getU16, getU32, getU48, join } from "./bytes.ts";
import { ERROR_CODES } from "./codes.ts";
import { formatColor } from "./draft.ts";
import {
  type AckRecord,
  CLASSES,
  type DanmakuRecord,
  type DeleteRecord,
  type ErrorRecord,
  GAP_REASONS,
  type GapRecord,
  type HelloRecord,
  MODES,
  type PublishRecord,
  type ScheduledRecord,
  type ServerRecord,
  type WireRecord,
} from "./record.ts";
import {
  checkDanmaku,
  checkDelete,
  checkHeader,
  checkName,
  malformed,
  readAttrs,
  recordAux,
} from "./tlv-check.ts";
import {
  danmakuColor,
  danmakuSize,
  danmakuUidBytes,
  danmakuUidStart,
  deleteOf,
  recordOffset,
  recordStride,
  recordTs,
  recordType,
} from "./tlv-fields.ts";
import {
  ACK_BYTES,
  ACK_OFFSET_HI,
  ACK_OFFSET_LO,
  DANMAKU_EXTRA,
  DANMAKU_EXTRA_BYTES,
  ERROR_BYTES,
  ERROR_CODE_MASK,
  ERROR_HAS_ID,
  ERROR_HAS_RETRY,
  ERROR_RETRY,
  GAP_BYTES,
  HELLO_BYTES,
  HELLO_NAMES,
  ID_BYTES,
  ID_HI,
  ID_HI_MASK,
  ID_LO,
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
import { decodePublish, readWireId } from "./tlv-publish.ts";
import { readUtf8 } from "./utf8.ts";

/** An object under construction. */
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Decodes all records of a message or buffer. Throws `invalid_message`. */
export function decodeRecords(bytes: Uint8Array): WireRecord[] {
  const records: WireRecord[] = [];
  for (let at = 0; at < bytes.length; at += recordStride(bytes, at)) records.push(decodeRecord(bytes, at));
  return records;
}

/** As `decodeRecords`, for what servers send: all that a client needs, so that its bundle stays small. */
export function decodeServerRecords(bytes: Uint8Array): ServerRecord[] {
  const records: ServerRecord[] = [];
  for (let at = 0; at < bytes.length; at += recordStride(bytes, at)) {
    records.push(decodeServerRecord(bytes, at, checkHeader(bytes, at, bytes.length)));
  }
  return records;
}

/** Decodes the record at `at`; the next one starts `recordStride` later. Throws `invalid_message`. */
export function decodeRecord(bytes: Uint8Array, at: number): WireRecord {
  const length = checkHeader(bytes, at, bytes.length);
  switch (recordType(bytes, at)) {
    case RECORD_TYPES.publish:
      return publishRecord(bytes, at);
    case RECORD_TYPES.ping:
      return { type: "ping", id: readWireId(bytes, at) };
    default:
      return decodeServerRecord(bytes, at, length);
  }
}

function decodeServerRecord(bytes: Uint8Array, at: number, length: number): ServerRecord {
  switch (recordType(bytes, at)) {
    case RECORD_TYPES.danmaku:
      return decodeDanmaku(bytes, at, length);
    case RECORD_TYPES.hello:
      return decodeHello(bytes, at, length);
    case RECORD_TYPES.delete:
      return decodeDelete(bytes, at, length);
    case RECORD_TYPES.gap:
      return decodeGap(bytes, at, length);
    case RECORD_TYPES.ack:
      return decodeAck(bytes, at, length);
    case RECORD_TYPES.scheduled:
      return decodeScheduled(bytes, at, length);
    case RECORD_TYPES.error:
      return decodeError(bytes, at, length);
    case RECORD_TYPES.stats:
      if (length !== STATS_BYTES || recordAux(bytes, at) !== 0) malformed("stats");
      return { type: "stats", online: getU32(bytes, at + STATS_ONLINE) };
    case RECORD_TYPES.pong:
      if (length !== ID_BYTES || recordAux(bytes, at) !== 0) malformed("pong");
      return { type: "pong", id: readId(bytes, at, "pong") };
    default:
      return malformed("unexpected");
  }
}

function decodeDanmaku(bytes: Uint8Array, at: number, length: number): DanmakuRecord {
  const content = checkDanmaku(bytes, at, length);
  const aux = recordAux(bytes, at);
  const uidAt = danmakuUidStart(bytes, at);
  const nameAt = uidAt + danmakuUidBytes(bytes, at);
  const record: Mutable<DanmakuRecord> = {
    type: "danmaku",
    offset: recordOffset(bytes, at),
    ts: recordTs(bytes, at),
    uid: readUtf8(bytes, uidAt, nameAt),
    content: readUtf8(bytes, content, at + length),
    mode: MODES[(aux >>> 6) & 3] as DanmakuRecord["mode"],
    color: formatColor(danmakuColor(bytes, at)),
    size: danmakuSize(bytes, at),
    class: CLASSES[aux >>> 8] as DanmakuRecord["class"],
  };
  if (uidAt === at + DANMAKU_EXTRA_BYTES) {
    const extra = getU32(bytes, at + DANMAKU_EXTRA);
    const attrsAt = content - (extra >>> 8);
    if (attrsAt > nameAt) record.name = readUtf8(bytes, nameAt, attrsAt);
    if (content > attrsAt) record.attrs = readAttrs(bytes, attrsAt, content);
  }
  return record;
}

function decodeHello(bytes: Uint8Array, at: number, length: number): HelloRecord {
  const end = at + length;
  const aux = recordAux(bytes, at);
  if (length < HELLO_BYTES || aux > 1) malformed("hello");
  const names = getU32(bytes, at + HELLO_NAMES);
  const epochAt = at + HELLO_BYTES + (names & 0xff);
  const uidAt = epochAt + ((names >>> 8) & 0xff);
  if (names >>> 24 !== 0 || uidAt + ((names >>> 16) & 0xff) !== end) malformed("hello");
  checkName(bytes, at + HELLO_BYTES, epochAt, "room");
  checkName(bytes, epochAt, uidAt, "epoch");
  checkName(bytes, uidAt, end, "uid");
  return {
    type: "hello",
    room: readUtf8(bytes, at + HELLO_BYTES, epochAt),
    epoch: readUtf8(bytes, epochAt, uidAt),
    head: getU48(bytes, at + OFFSET_LO, at + OFFSET_HI),
    resumed: aux === 1,
    uid: readUtf8(bytes, uidAt, end),
    serverTime: getU48(bytes, at + TS_LO, at + TS_HI),
  };
}

function decodeDelete(bytes: Uint8Array, at: number, length: number): DeleteRecord {
  if (length < LOG_BYTES) malformed("delete");
  const byUid = checkDelete(bytes, at, length);
  const offset = recordOffset(bytes, at);
  const ts = recordTs(bytes, at);
  return byUid
    ? { type: "delete", offset, ts, ofUid: readUtf8(bytes, at + LOG_BYTES, at + length) }
    : { type: "delete", offset, ts, of: deleteOf(bytes, at) };
}

function decodeGap(bytes: Uint8Array, at: number, length: number): GapRecord {
  const reason = GAP_REASONS[recordAux(bytes, at)];
  const from = getU48(bytes, at + OFFSET_LO, at + OFFSET_HI);
  const to = getU48(bytes, at + TS_LO, at + TS_HI);
  if (length !== GAP_BYTES || reason === undefined || from > to) malformed("gap");
  return { type: "gap", from, to, reason };
}

function decodeAck(bytes: Uint8Array, at: number, length: number): AckRecord {
  if (length !== ACK_BYTES || recordAux(bytes, at) !== 0 || getU16(bytes, at + ACK_OFFSET_HI + 2) !== 0) {
    malformed("ack");
  }
  return {
    type: "ack",
    id: readId(bytes, at, "ack"),
    offset: getU48(bytes, at + ACK_OFFSET_LO, at + ACK_OFFSET_HI),
  };
}

function decodeScheduled(bytes: Uint8Array, at: number, length: number): ScheduledRecord {
  if (
    length !== SCHEDULED_BYTES ||
    recordAux(bytes, at) !== 0 ||
    getU16(bytes, at + SCHEDULED_AT_HI + 2) !== 0
  ) {
    malformed("scheduled");
  }
  return {
    type: "scheduled",
    id: readId(bytes, at, "scheduled"),
    scheduled: getU32(bytes, at + SCHEDULED_NUMBER),
    deliverAt: getU48(bytes, at + SCHEDULED_AT_LO, at + SCHEDULED_AT_HI),
  };
}

/** Id of a record that is long enough for one. */
function readId(bytes: Uint8Array, at: number, type: string): number {
  const hi = getU32(bytes, at + ID_HI);
  if (hi > ID_HI_MASK) malformed(type);
  return join(getU32(bytes, at + ID_LO), hi);
}

function decodeError(bytes: Uint8Array, at: number, length: number): ErrorRecord {
  const aux = recordAux(bytes, at);
  const code = ERROR_CODES[aux & ERROR_CODE_MASK];
  if (length < ERROR_BYTES || aux > 0x7f || code === undefined) malformed("error");
  const id = readId(bytes, at, "error");
  const retryAfterMs = getU32(bytes, at + ERROR_RETRY);
  const record: Mutable<ErrorRecord> = {
    type: "error",
    code,
    message: readUtf8(bytes, at + ERROR_BYTES, at + length),
  };
  if ((aux & ERROR_HAS_ID) !== 0) record.id = id;
  else if (id !== 0) malformed("error");
  if ((aux & ERROR_HAS_RETRY) !== 0) record.retryAfterMs = retryAfterMs;
  else if (retryAfterMs !== 0) malformed("error");
  return record;
}

function publishRecord(bytes: Uint8Array, at: number): PublishRecord {
  const id = readWireId(bytes, at);
  const draft = decodePublish(bytes, at);
  const record: Mutable<PublishRecord> = {
    type: "publish",
    id,
    content: draft.content,
    mode: MODES[draft.mode] as DanmakuRecord["mode"],
    color: formatColor(draft.color),
    size: draft.size,
  };
  if (draft.key !== undefined) record.key = draft.key;
  if (draft.deliverAt !== undefined) record.deliverAt = draft.deliverAt;
  if (draft.delayMs !== undefined) record.delayMs = draft.delayMs;
  if (draft.uid !== undefined) record.uid = draft.uid;
  if (draft.name !== undefined) record.name = draft.name;
  if (draft.class !== undefined) record.class = CLASSES[draft.class] as DanmakuRecord["class"];
  if (draft.attrs !== undefined) record.attrs = JSON.parse(draft.attrs) as Record<string, unknown>;
  return record;
}
