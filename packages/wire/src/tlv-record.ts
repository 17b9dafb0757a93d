/** Records as objects to TLV, for clients, tools and tests. */
import { ERROR_CODES } from "./codes.ts";
import { parseColor, stringifyAttrs } from "./draft.ts";
import { invalid } from "./error.ts";
import { CLASSES, type DanmakuRecord, GAP_REASONS, MODES, type WireRecord } from "./record.ts";
import { asRecord } from "./record-check.ts";
import { checkShortName, encodeClientRecord } from "./tlv-client.ts";
import {
  type DanmakuFields,
  encodeAck,
  encodeDanmaku,
  encodeDelete,
  encodeError,
  encodeGap,
  encodeHello,
  encodePong,
  encodeScheduled,
  encodeStats,
} from "./tlv-encode.ts";
import { patchLogRecord } from "./tlv-fields.ts";

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
    case "scheduled":
      return encodeScheduled(into, at, record.id, record.scheduled, record.deliverAt);
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
    case "publish":
      return encodeClientRecord(record, into, at);
  }
}

function danmakuFields(record: DanmakuRecord): DanmakuFields {
  const { uid, content, size, name, attrs } = record;
  if (name !== undefined) checkShortName(name);
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
