/** Records as objects to TLV, for clients, tools and tests. */
import { putU32, upper } from "./bytes.ts";
import { ERROR_CODES } from "./codes.ts";
import { checkKey, parseColor, stringifyAttrs } from "./draft.ts";
import { invalid, tooLarge } from "./error.ts";
import { COLOR_DEFAULT, SIZE_DEFAULT, SIZE_MIN } from "./limits.ts";
import {
  CLASSES,
  type DanmakuRecord,
  GAP_REASONS,
  MODES,
  type PublishRecord,
  type WireRecord,
} from "./record.ts";
import { asRecord } from "./record-check.ts";
import {
  type DanmakuFields,
  encodeAck,
  encodeDanmaku,
  encodeDelete,
  encodeError,
  encodeGap,
  encodeHello,
  encodePing,
  encodePong,
  encodeStats,
} from "./tlv-encode.ts";
import { patchLogRecord } from "./tlv-fields.ts";
import {
  ID_HI,
  PUBLISH_BYTES,
  PUBLISH_CLASS_SHIFT,
  PUBLISH_DELAY,
  PUBLISH_DELIVER_AT,
  PUBLISH_EXTRA,
  PUBLISH_SIZE_SHIFT,
  PUBLISH_STYLE,
  RECORD_TYPES,
} from "./tlv-layout.ts";
import { finish, putId, requireFit } from "./tlv-write.ts";
import { utf8Length, writeUtf8 } from "./utf8.ts";

/**
 * Encodes any record at `at` (a multiple of four from the start of the message) and returns the aligned end.
 * Throws `too_large` where it does not fit into the buffer, `invalid_message` where a field is out of its range.
 */
export function encodeRecord(record: WireRecord, into: Uint8Array, at: number): number {
  asRecord(record);
  switch (record.type) {
    case "danmaku": {
      const to = encodeDanmaku(into, at, danmakuFields(record));
      patchLogRecord(into, at, record.offset, record.ts);
      return to;
    }
    case "delete": {
      const to = encodeDelete(
        into,
        at,
        record.of ?? record.ofUid ?? invalid("delete has neither of nor ofUid"),
      );
      patchLogRecord(into, at, record.offset, record.ts);
      return to;
    }
    case "hello":
      return encodeHello(into, at, record);
    case "gap":
      return encodeGap(into, at, record.from, record.to, GAP_REASONS.indexOf(record.reason));
    case "ack":
      return encodeAck(into, at, record.id, record.offset);
    case "error":
      return encodeError(
        into,
        at,
        ERROR_CODES.indexOf(record.code),
        record.message,
        record.id,
        record.retryAfterMs,
      );
    case "stats":
      return encodeStats(into, at, record.online);
    case "pong":
      return encodePong(into, at, record.id);
    case "ping":
      return encodePing(into, at, record.id);
    case "publish":
      return encodePublish(record, into, at);
  }
}

function danmakuFields(record: DanmakuRecord): DanmakuFields {
  const { uid, content, size, name, attrs } = record;
  if (name !== undefined) checkShort(name);
  return {
    uid,
    content,
    mode: MODES.indexOf(record.mode),
    color: parseColor(record.color),
    size,
    class: CLASSES.indexOf(record.class),
    ...(name === undefined ? {} : { name }),
    ...(attrs === undefined ? {} : { attrs: stringifyAttrs(attrs) }),
  };
}

/** Lengths of names travel in one byte. */
function checkShort(name: string): string {
  if (utf8Length(name) > 0xff) tooLarge("name is over 255 bytes");
  return name;
}

function encodePublish(record: PublishRecord, into: Uint8Array, at: number): number {
  const key = record.key === undefined ? "" : checkKey(record.key);
  const uid = record.uid ?? "";
  const name = record.name === undefined ? "" : checkShort(record.name);
  const attrs = record.attrs === undefined ? "" : stringifyAttrs(record.attrs);
  const time = record.deliverAt ?? record.delayMs;
  if (record.deliverAt !== undefined && record.delayMs !== undefined) {
    invalid("deliverAt and delayMs exclude each other");
  }
  const extra = uid !== "" || name !== "" || attrs !== "";
  const texts = [key, uid, name, attrs, record.content];
  let length = PUBLISH_BYTES + (time === undefined ? 0 : 8) + (extra ? 4 : 0);
  for (const text of texts) length += utf8Length(text);
  requireFit(at, length, into.length);

  putId(into, at, record.id);
  const classCode = record.class === undefined ? 0 : CLASSES.indexOf(record.class) + 1;
  const size = (record.size ?? SIZE_DEFAULT) - SIZE_MIN;
  putU32(
    into,
    at + ID_HI,
    (classCode << PUBLISH_CLASS_SHIFT) | (size << PUBLISH_SIZE_SHIFT) | upper(record.id),
  );
  const color = record.color === undefined ? COLOR_DEFAULT : parseColor(record.color);
  putU32(into, at + PUBLISH_STYLE, (utf8Length(key) << 24) | color);
  let aux = record.mode === undefined ? 0 : MODES.indexOf(record.mode);
  let to = at + PUBLISH_BYTES;
  if (time !== undefined) {
    aux |= record.deliverAt === undefined ? PUBLISH_DELAY : PUBLISH_DELIVER_AT;
    putU32(into, to, time >>> 0);
    putU32(into, to + 4, upper(time));
    to += 8;
  }
  if (extra) {
    aux |= PUBLISH_EXTRA;
    putU32(into, to, (utf8Length(attrs) << 16) | (utf8Length(name) << 8) | uid.length);
    to += 4;
  }
  for (const text of texts) to = writeUtf8(into, to, text);
  return finish(into, at, to, RECORD_TYPES.publish, aux);
}
