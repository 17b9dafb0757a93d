/** What clients send, as objects, to TLV. */
import { putU32, upper } from "./bytes.ts";
import { checkKey, isWhole, parseColor, stringifyAttrs } from "./draft.ts";
import { invalid, tooLarge } from "./error.ts";
import {
  COLOR_DEFAULT,
  DURATION_MS_MAX,
  ID_MAX,
  SIZE_DEFAULT,
  SIZE_MAX,
  SIZE_MIN,
  TS_MS_MAX,
} from "./limits.ts";
import { isUid } from "./names.ts";
import { CLASSES, type ClientRecord, MODES, type PublishRecord } from "./record.ts";
import { encodePing } from "./tlv-encode.ts";
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
 * As `encodeRecord`, for what clients send: all that a client needs, so that its bundle stays small. Throws
 * `too_large` where the record does not fit, `invalid_message` where a field is out of its range.
 */
export function encodeClientRecord(record: ClientRecord, into: Uint8Array, at: number): number {
  if (record.type === "publish") return encodePublish(record, into, at);
  if (!isWhole(record.id, ID_MAX)) invalid("ping has a bad id");
  return encodePing(into, at, record.id);
}

/** Lengths of names travel in one byte. */
export function checkShortName(name: string): string {
  if (utf8Length(name) > 0xff) tooLarge("name is over 255 bytes");
  return name;
}

function encodePublish(record: PublishRecord, into: Uint8Array, at: number): number {
  const { id, content, mode = "scroll", size = SIZE_DEFAULT, uid, deliverAt, delayMs } = record;
  const modeCode = MODES.indexOf(mode);
  const color = record.color === undefined ? COLOR_DEFAULT : parseColor(record.color);
  const classCode = record.class === undefined ? 0 : CLASSES.indexOf(record.class) + 1;
  const key = record.key === undefined ? "" : checkKey(record.key);
  const name = record.name === undefined ? "" : checkShortName(record.name);
  const attrs = record.attrs === undefined ? "" : stringifyAttrs(record.attrs);
  const time = deliverAt ?? delayMs;
  demand(isWhole(id, ID_MAX), "id");
  demand(isFilled(content), "content");
  demand(modeCode >= 0, "mode");
  demand(color >= 0, "color");
  demand(isWhole(size, SIZE_MAX) && size >= SIZE_MIN, "size");
  demand(uid === undefined || isUid(uid), "uid");
  demand(record.name === undefined || isFilled(name), "name");
  demand(record.class === undefined || classCode > 0, "class");
  demand(time === undefined || isWhole(time, deliverAt === undefined ? DURATION_MS_MAX : TS_MS_MAX), "time");
  demand(deliverAt === undefined || delayMs === undefined, "deliverAt beside delayMs");
  const texts = [key, uid ?? "", name, attrs, content];
  const extra = uid !== undefined || name !== "" || attrs !== "";
  let length = PUBLISH_BYTES + (time === undefined ? 0 : 8) + (extra ? 4 : 0);
  for (const text of texts) length += utf8Length(text);
  requireFit(at, length, into.length);

  putId(into, at, id);
  putU32(
    into,
    at + ID_HI,
    (classCode << PUBLISH_CLASS_SHIFT) | ((size - SIZE_MIN) << PUBLISH_SIZE_SHIFT) | upper(id),
  );
  putU32(into, at + PUBLISH_STYLE, (utf8Length(key) << 24) | color);
  let aux = modeCode;
  let to = at + PUBLISH_BYTES;
  if (time !== undefined) {
    aux |= deliverAt === undefined ? PUBLISH_DELAY : PUBLISH_DELIVER_AT;
    putU32(into, to, time >>> 0);
    putU32(into, to + 4, upper(time));
    to += 8;
  }
  if (extra) {
    aux |= PUBLISH_EXTRA;
    putU32(into, to, (utf8Length(attrs) << 16) | (utf8Length(name) << 8) | (uid ?? "").length);
    to += 4;
  }
  for (const text of texts) to = writeUtf8(into, to, text);
  return finish(into, at, to, RECORD_TYPES.publish, aux);
}

function isFilled(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function demand(isGood: boolean, field: string): void {
  if (!isGood) invalid(`publish has a bad ${field}`);
}
