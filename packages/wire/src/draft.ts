/** A publish on its way in: the one form in which the server handles it, checked so that nobody has to check again. */
import { checkContent, checkDisplayName } from "./content.ts";
import { invalid } from "./error.ts";
import {
  ATTRS_BYTES_MAX,
  COLOR_DEFAULT,
  CONTENT_CODE_POINTS_MAX,
  DURATION_MS_MAX,
  KEY_BYTES_MAX,
  SIZE_DEFAULT,
  SIZE_MAX,
  SIZE_MIN,
  TS_MS_MAX,
} from "./limits.ts";
import { isUid } from "./names.ts";
import { CLASSES, MODES } from "./record.ts";
import { utf8Length } from "./utf8.ts";

/** A checked publish. Numbers stand for modes and classes as in TLV. */
export interface Draft {
  /** Trimmed and valid. */
  content: string;
  /** Position in `MODES`. */
  mode: number;
  /** 0xrrggbb. */
  color: number;
  size: number;
  key?: string;
  uid?: string;
  name?: string;
  /** Position in `CLASSES`; whether the sender may use it is for policy to say. */
  class?: number;
  /** A JSON object as text without control characters. */
  attrs?: string;
  /** Unix ms. */
  deliverAt?: number;
  delayMs?: number;
}

/**
 * Which fields a sender may set. `viewer`: content, mode, color, size, key, deliverAt, delayMs, uid, class.
 * `service` and `http`: also name and attrs. What the role does not allow of them, policy refuses.
 */
export type DraftFields = "viewer" | "service" | "http";

/**
 * Checks a parsed JSON value as a publish, without `type` and `id`. Defaults: `scroll`, `#ffffff`, 25.
 * Throws `invalid_message` for everything that is wrong, fields that are not listed included.
 */
export function parseDraft(
  value: unknown,
  fields: DraftFields,
  contentCodePointsMax: number = CONTENT_CODE_POINTS_MAX,
): Draft {
  return readDraft(value, fields !== "viewer", false, contentCodePointsMax);
}

/** As `parseDraft`; `enveloped` lets `type` and `id` pass, which the caller has read. @hot */
export function readDraft(
  value: unknown,
  identity: boolean,
  enveloped: boolean,
  contentCodePointsMax: number,
): Draft {
  if (!isObject(value)) invalid("a danmaku is a JSON object");
  const draft: Draft = { content: "", mode: 0, color: COLOR_DEFAULT, size: SIZE_DEFAULT };
  for (const field in value) {
    const given = value[field];
    switch (field) {
      case "content":
        if (typeof given !== "string") invalid("content is not a string");
        draft.content = checkContent(given, contentCodePointsMax);
        continue;
      case "mode":
        draft.mode = MODES.indexOf(given as (typeof MODES)[number]);
        if (draft.mode < 0) invalid(`mode is none of ${MODES.join(", ")}`);
        continue;
      case "color":
        draft.color = parseColor(given);
        if (draft.color < 0) invalid("color is not of the form #rrggbb");
        continue;
      case "size":
        if (!isWhole(given, SIZE_MAX) || given < SIZE_MIN) {
          invalid(`size is not a whole number from ${SIZE_MIN} to ${SIZE_MAX}`);
        }
        draft.size = given;
        continue;
      case "key":
        draft.key = checkKey(given);
        continue;
      case "deliverAt":
        if (!isWhole(given, TS_MS_MAX)) invalid("deliverAt is not a time in Unix milliseconds");
        draft.deliverAt = given;
        continue;
      case "delayMs":
        if (!isWhole(given, DURATION_MS_MAX)) invalid("delayMs is not a number of milliseconds");
        draft.delayMs = given;
        continue;
      case "type":
      case "id":
        if (enveloped) continue;
    }
    if (!readIdentity(draft, field, given, identity)) invalid(`unknown field ${JSON.stringify(field)}`);
  }
  if (draft.content === "") invalid("content is missing");
  if (draft.deliverAt !== undefined && draft.delayMs !== undefined) {
    invalid("deliverAt and delayMs exclude each other");
  }
  return draft;
}

/**
 * The fields that say who speaks; false where the field is none of them. A name and attributes may be given only with
 * `identity`: by services, and over HTTP.
 */
function readIdentity(draft: Draft, field: string, given: unknown, identity: boolean): boolean {
  switch (field) {
    case "uid":
      if (!isUid(given)) invalid("uid is not 1 to 64 characters of A-Z a-z 0-9 _ . -");
      draft.uid = given;
      return true;
    case "class":
      draft.class = CLASSES.indexOf(given as (typeof CLASSES)[number]);
      if (draft.class < 0) invalid(`class is none of ${CLASSES.join(", ")}`);
      return true;
    case "name":
      if (!identity) return false;
      if (typeof given !== "string") invalid("name is not a string");
      draft.name = checkDisplayName(given);
      return true;
    case "attrs":
      if (!identity) return false;
      draft.attrs = stringifyAttrs(given);
      return true;
    default:
      return false;
  }
}

/** Checks an idempotency key: 1–64 bytes of UTF-8. Throws `invalid_message`. */
export function checkKey(key: unknown): string {
  if (
    typeof key !== "string" ||
    key === "" ||
    key.length > KEY_BYTES_MAX ||
    utf8Length(key) > KEY_BYTES_MAX
  ) {
    invalid(`key is not a string of 1 to ${KEY_BYTES_MAX} bytes`);
  }
  if (!key.isWellFormed()) invalid("key has a lone surrogate");
  return key;
}

/** JSON text of attributes. Throws `invalid_message` where they are not an object or over 1,024 bytes. */
export function stringifyAttrs(attrs: unknown): string {
  if (!isObject(attrs)) invalid("attrs is not a JSON object");
  let text: string | undefined;
  try {
    text = JSON.stringify(attrs);
  } catch {
    // Nested so deeply that the stack ends; far over the limit in any case.
  }
  if (text === undefined || text.length > ATTRS_BYTES_MAX || utf8Length(text) > ATTRS_BYTES_MAX) {
    invalid(`attrs is over ${ATTRS_BYTES_MAX} bytes`);
  }
  return text;
}

/** `#rrggbb` as 0xrrggbb; −1 where it is something else. @hot */
export function parseColor(text: unknown): number {
  if (text === "#ffffff") return 0xffffff;
  if (typeof text !== "string" || text.length !== 7 || text.charCodeAt(0) !== 0x23) return -1;
  let color = 0;
  for (let i = 1; i < 7; i++) {
    const c = text.charCodeAt(i);
    const lower = c | 0x20;
    if (c >= 0x30 && c <= 0x39) color = (color << 4) | (c - 0x30);
    else if (lower >= 0x61 && lower <= 0x66) color = (color << 4) | (lower - 0x57);
    else return -1;
  }
  return color;
}

/** 0xrrggbb as `#rrggbb`, lower case. */
export function formatColor(color: number): string {
  return color === 0xffffff ? "#ffffff" : `#${(0x1000000 | color).toString(16).slice(1)}`;
}

/** True for a whole number from 0 to `max`. */
export function isWhole(value: unknown, max: number): value is number {
  return typeof value === "number" && value >= 0 && value <= max && Math.floor(value) === value;
}

/** True for a JSON object: not an array, not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
