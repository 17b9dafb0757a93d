/** The publish record as a server reads it: straight into a draft, every field checked on the way. */
import { getU16, getU32, getU48, join } from "./bytes.ts";
import { checkContent, checkDisplayName } from "./content.ts";
import { checkKey, type Draft } from "./draft.ts";
import { invalid } from "./error.ts";
import { ATTRS_BYTES_MAX, SIZE_MAX, SIZE_MIN } from "./limits.ts";
import { CLASSES } from "./record.ts";
import { checkName, readAttrs, recordAux } from "./tlv-check.ts";
import { recordLength, recordType } from "./tlv-fields.ts";
import {
  ID_BYTES,
  ID_HI,
  ID_HI_MASK,
  ID_LO,
  PUBLISH_BYTES,
  PUBLISH_CLASS_SHIFT,
  PUBLISH_DELAY,
  PUBLISH_DELIVER_AT,
  PUBLISH_EXTRA,
  PUBLISH_SIZE_SHIFT,
  PUBLISH_STYLE,
  RECORD_TYPES,
} from "./tlv-layout.ts";
import { readUtf8 } from "./utf8.ts";

/** Id of a ping, pong or publish record whose header is checked. Throws `invalid_message`. */
export function readWireId(bytes: Uint8Array, at: number): number {
  const length = recordLength(bytes, at);
  if (length < ID_BYTES) invalid("record is too short for its id");
  const hi = getU32(bytes, at + ID_HI);
  if (recordType(bytes, at) !== RECORD_TYPES.publish) {
    if (length !== ID_BYTES) invalid("record has a wrong length");
    if (recordAux(bytes, at) !== 0) invalid("record has unknown flags");
    if (hi > ID_HI_MASK) invalid("id is over 2^53-1");
  }
  return join(getU32(bytes, at + ID_LO), hi & ID_HI_MASK);
}

/**
 * A publish as a draft, its structure and every field checked but those for which the content rules stand
 * (see `readPublishDraft`). The header is checked.
 */
export function decodePublish(bytes: Uint8Array, at: number): Draft {
  const end = at + recordLength(bytes, at);
  let from = at + PUBLISH_BYTES;
  if (from > end) invalid("publish is too short");
  const aux = recordAux(bytes, at);
  if (aux > 0x1f) invalid("publish has unknown flags");
  const w2 = getU32(bytes, at + ID_HI);
  const style = getU32(bytes, at + PUBLISH_STYLE);
  const size = SIZE_MIN + ((w2 >>> PUBLISH_SIZE_SHIFT) & 0x3f);
  if (size > SIZE_MAX) invalid(`size is not a whole number from ${SIZE_MIN} to ${SIZE_MAX}`);
  const classCode = w2 >>> PUBLISH_CLASS_SHIFT;
  if (classCode > CLASSES.length) invalid("publish has an unknown class");
  const draft: Draft = { content: "", mode: aux & 3, color: style & 0xff_ffff, size };
  if (classCode > 0) draft.class = classCode - 1;

  const timed = aux & (PUBLISH_DELIVER_AT | PUBLISH_DELAY);
  if (timed !== 0) {
    if (from + 8 > end) invalid("publish is too short");
    if (getU16(bytes, from + 6) !== 0) invalid("publish has a number that is too large");
    const value = getU48(bytes, from, from + 4);
    if (timed === PUBLISH_DELIVER_AT) draft.deliverAt = value;
    else if (timed !== PUBLISH_DELAY) invalid("deliverAt and delayMs exclude each other");
    else if (getU16(bytes, from + 4) !== 0) invalid("publish has a number that is too large");
    else draft.delayMs = value;
    from += 8;
  }

  let uidBytes = 0;
  let nameBytes = 0;
  let attrsBytes = 0;
  if ((aux & PUBLISH_EXTRA) !== 0) {
    if (from + 4 > end) invalid("publish is too short");
    const extra = getU32(bytes, from);
    if (extra === 0) invalid("publish has an empty extra word");
    uidBytes = extra & 0xff;
    nameBytes = (extra >>> 8) & 0xff;
    attrsBytes = extra >>> 16;
    from += 4;
  }
  const keyBytes = style >>> 24;
  if (from + keyBytes + uidBytes + nameBytes + attrsBytes >= end)
    invalid("publish is too short for its fields");
  if (keyBytes > 0) {
    draft.key = checkKey(readUtf8(bytes, from, from + keyBytes));
    from += keyBytes;
  }
  if (uidBytes > 0) {
    checkName(bytes, from, from + uidBytes, "uid");
    draft.uid = readUtf8(bytes, from, from + uidBytes);
    from += uidBytes;
  }
  if (nameBytes > 0) {
    draft.name = readUtf8(bytes, from, from + nameBytes);
    from += nameBytes;
  }
  if (attrsBytes > 0) {
    if (attrsBytes > ATTRS_BYTES_MAX) invalid(`attrs is over ${ATTRS_BYTES_MAX} bytes`);
    draft.attrs = JSON.stringify(readAttrs(bytes, from, from + attrsBytes));
    from += attrsBytes;
  }
  draft.content = readUtf8(bytes, from, end);
  return draft;
}

/** A publish with the rules of content and name applied. Throws `invalid_message`. @hot */
export function readPublishDraft(bytes: Uint8Array, at: number, contentCodePointsMax: number): Draft {
  const draft = decodePublish(bytes, at);
  draft.content = checkContent(draft.content, contentCodePointsMax);
  if (draft.name !== undefined) draft.name = checkDisplayName(draft.name);
  return draft;
}
