/** Checks objects that claim to be records: before they are encoded, and when they arrive as JSON. */
import { isErrorCode } from "./codes.ts";
import { isObject, isWhole, parseColor } from "./draft.ts";
import { invalid } from "./error.ts";
import { DURATION_MS_MAX, ID_MAX, OFFSET_MAX, SIZE_MAX, SIZE_MIN, TS_MS_MAX } from "./limits.ts";
import { isEpoch, isRoomName, isUid } from "./names.ts";
import { CLASSES, GAP_REASONS, MODES, type WireRecord } from "./record.ts";

type Check = (value: unknown) => boolean;

const isId: Check = (value) => isWhole(value, ID_MAX);
const isOffset: Check = (value) => isWhole(value, OFFSET_MAX);
const isTs: Check = (value) => isWhole(value, TS_MS_MAX);
const isDuration: Check = (value) => isWhole(value, DURATION_MS_MAX);
const isText: Check = (value) => typeof value === "string";
const isFilled: Check = (value) => typeof value === "string" && value !== "";
const isColor: Check = (value) => parseColor(value) >= 0;
const isSize: Check = (value) => isWhole(value, SIZE_MAX) && value >= SIZE_MIN;
const isMode: Check = (value) => (MODES as readonly unknown[]).includes(value);
const isClass: Check = (value) => (CLASSES as readonly unknown[]).includes(value);
const isReason: Check = (value) => (GAP_REASONS as readonly unknown[]).includes(value);
const isFlag: Check = (value) => typeof value === "boolean";

/** Checks a field that may be left out. */
function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

/** Fields of each record. What is not listed is let pass: a later server may add to the JSON form. */
const FIELDS: { readonly [T in WireRecord["type"]]: Readonly<Record<string, Check>> } = {
  hello: { room: isRoomName, epoch: isEpoch, head: isOffset, resumed: isFlag, uid: isUid, serverTime: isTs },
  danmaku: {
    offset: isOffset,
    ts: isTs,
    uid: isUid,
    content: isFilled,
    mode: isMode,
    color: isColor,
    size: isSize,
    class: isClass,
    name: optional(isFilled),
    attrs: optional(isObject),
  },
  delete: { offset: isOffset, ts: isTs, of: optional(isOffset), ofUid: optional(isUid) },
  gap: { from: isOffset, to: isOffset, reason: isReason },
  ack: { id: isId, offset: isOffset },
  scheduled: { id: isId, scheduled: isDuration, deliverAt: isTs },
  error: { code: isErrorCode, message: isText, id: optional(isId), retryAfterMs: optional(isDuration) },
  stats: { online: isDuration },
  pong: { id: isId },
  ping: { id: isId },
  publish: {
    id: isId,
    content: isFilled,
    mode: optional(isMode),
    color: optional(isColor),
    size: optional(isSize),
    key: optional(isFilled),
    deliverAt: optional(isTs),
    delayMs: optional(isDuration),
    uid: optional(isUid),
    name: optional(isFilled),
    class: optional(isClass),
    attrs: optional(isObject),
  },
};

/** The value as a record. Throws `invalid_message`, naming the field. */
export function asRecord(value: unknown): WireRecord {
  if (!isObject(value)) invalid("a record is a JSON object");
  const type = value.type;
  if (typeof type !== "string" || !Object.hasOwn(FIELDS, type)) invalid("record is of an unknown type");
  checkFields(type, value, FIELDS[type as WireRecord["type"]]);
  const record: WireRecord = value;
  if (record.type === "delete" && (record.of === undefined) === (record.ofUid === undefined)) {
    invalid("delete has either of or ofUid");
  }
  if (record.type === "gap" && record.from > record.to) invalid("gap ends before it starts");
  return record;
}

/** @param fields those of the record that `value` claims to be: with all of them in order, it is one. */
function checkFields(
  type: string,
  value: Record<string, unknown>,
  fields: Readonly<Record<string, Check>>,
): asserts value is Record<string, unknown> & WireRecord {
  for (const field in fields) if (!fields[field]?.(value[field])) invalid(`${type} has a bad ${field}`);
}
