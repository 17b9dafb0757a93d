/** What clients send, parsed at the border from either encoding. */
import { type Draft, isObject, isWhole, readDraft } from "./draft.ts";
import { DanmakuError, invalid, tooLarge } from "./error.ts";
import { BATCH_RECORDS_MAX, CONTENT_CODE_POINTS_MAX, FRAME_BYTES_MAX, ID_MAX } from "./limits.ts";
import type { Role } from "./names.ts";
import { checkHeader } from "./tlv-check.ts";
import { recordStride, recordType } from "./tlv-fields.ts";
import { RECORD_TYPES } from "./tlv-layout.ts";
import { readPublishDraft, readWireId } from "./tlv-publish.ts";
import { utf8Length } from "./utf8.ts";

/** One message of a client. `invalid` answers that message alone; its neighbours in the frame stand. */
export type ClientMessage =
  | { readonly kind: "publish"; readonly id: number; readonly draft: Draft }
  | { readonly kind: "ping"; readonly id: number }
  | { readonly kind: "invalid"; readonly id?: number; readonly error: DanmakuError };

/** True for the roles that may speak for others over a WebSocket. */
function speaksForOthers(role: Role): boolean {
  return role === "service" || role === "admin";
}

/**
 * Parses a text frame: one JSON object or an array of up to 1,000.
 * Throws for the frame as a whole: `too_large` (over 64 KiB of UTF-8, over 1,000 messages) or `invalid_message`
 * (not JSON). `contentCodePointsMax` defaults to 200. @hot
 */
export function parseClientText(
  text: string,
  role: Role,
  contentCodePointsMax: number = CONTENT_CODE_POINTS_MAX,
): ClientMessage[] {
  if (text.length * 3 > FRAME_BYTES_MAX && utf8Length(text) > FRAME_BYTES_MAX) {
    tooLarge("frame is over 64 KiB");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DanmakuError("invalid_message", "frame is not JSON", { cause });
  }
  const identity = speaksForOthers(role);
  if (!Array.isArray(value)) return [parseMessage(value, identity, contentCodePointsMax)];
  if (value.length > BATCH_RECORDS_MAX) tooLarge(`frame has over ${BATCH_RECORDS_MAX} messages`);
  const messages: ClientMessage[] = [];
  for (let i = 0; i < value.length; i++) {
    messages.push(parseMessage(value[i], identity, contentCodePointsMax));
  }
  return messages;
}

function parseMessage(value: unknown, identity: boolean, contentCodePointsMax: number): ClientMessage {
  if (!isObject(value)) return refused(undefined, "a message is a JSON object");
  const { type, id } = value;
  if (!isWhole(id, ID_MAX)) return refused(undefined, "id is not a whole number from 0 to 2^53-1");
  if (type === "publish") {
    try {
      return { kind: "publish", id, draft: readDraft(value, identity, true, contentCodePointsMax) };
    } catch (error) {
      return invalidMessage(id, error);
    }
  }
  if (type === "ping") return { kind: "ping", id };
  return refused(id, "type is neither publish nor ping");
}

/**
 * Parses a binary frame: up to 1,000 publish and ping records one after another.
 * Throws for the frame as a whole: `too_large` as for text, `invalid_message` where the bytes are not a sequence of
 * records. A record that is wrong inside, or of a type that only servers send, is `invalid` alone. @hot
 */
export function parseClientTlv(
  bytes: Uint8Array,
  role: Role,
  contentCodePointsMax: number = CONTENT_CODE_POINTS_MAX,
): ClientMessage[] {
  checkClientTlv(bytes);
  const messages: ClientMessage[] = [];
  for (let at = 0; at < bytes.length; at += recordStride(bytes, at)) {
    messages.push(parseClientRecord(bytes, at, role, contentCodePointsMax));
  }
  return messages;
}

/**
 * Checks that a binary frame is a sequence of at most 1,000 records, whatever is in them. Throws for the frame as a
 * whole, like `parseClientTlv`. @hot
 */
export function checkClientTlv(bytes: Uint8Array): void {
  const end = bytes.length;
  if (end > FRAME_BYTES_MAX) tooLarge("frame is over 64 KiB");
  let records = 0;
  for (let at = 0; at < end; at += recordStride(bytes, at)) {
    if (records++ === BATCH_RECORDS_MAX) tooLarge(`frame has over ${BATCH_RECORDS_MAX} messages`);
    checkHeader(bytes, at, end);
  }
}

/** One record of a frame that `checkClientTlv` has passed. */
export function parseClientRecord(
  bytes: Uint8Array,
  at: number,
  role: Role,
  contentCodePointsMax: number = CONTENT_CODE_POINTS_MAX,
): ClientMessage {
  const type = recordType(bytes, at);
  if (type !== RECORD_TYPES.publish && type !== RECORD_TYPES.ping) {
    return refused(undefined, "record is neither publish nor ping");
  }
  let id: number | undefined;
  try {
    id = readWireId(bytes, at);
    if (type === RECORD_TYPES.ping) return { kind: "ping", id };
    const draft = readPublishDraft(bytes, at, contentCodePointsMax);
    if (!speaksForOthers(role)) refuseIdentity(draft);
    return { kind: "publish", id, draft };
  } catch (error) {
    return invalidMessage(id, error);
  }
}

function refuseIdentity({ name, attrs }: Draft): void {
  if (name !== undefined || attrs !== undefined) invalid("name and attrs are for services");
}

function refused(id: number | undefined, message: string): ClientMessage {
  return invalidMessage(id, new DanmakuError("invalid_message", message));
}

function invalidMessage(id: number | undefined, error: unknown): ClientMessage {
  if (!(error instanceof DanmakuError)) throw error;
  return id === undefined ? { kind: "invalid", error } : { kind: "invalid", id, error };
}
