import { NAME_CHARS_MAX } from "./limits.ts";

/** Roles of a principal, from the token or, in development, from the query. */
export const ROLES = ["viewer", "member", "moderator", "service", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** True for a byte or code unit of `A–Z a–z 0–9 _ . -`. */
export function isNameChar(c: number): boolean {
  return (
    (c >= 0x61 && c <= 0x7a) || // a–z
    (c >= 0x30 && c <= 0x39) || // 0–9
    (c >= 0x41 && c <= 0x5a) || // A–Z
    c === 0x5f || // _
    c === 0x2d || // -
    c === 0x2e // .
  );
}

function isName(text: unknown): text is string {
  return typeof text === "string" && text.length <= NAME_CHARS_MAX && /^[\w.-]+$/.test(text);
}

/** True for a room name: 1–64 characters of `A–Z a–z 0–9 _ . -`. */
export function isRoomName(text: unknown): text is string {
  return isName(text);
}

/** True for a uid: same alphabet and length as a room name. */
export function isUid(text: unknown): text is string {
  return isName(text);
}

/** True for an epoch: same alphabet and length, so that `epoch:offset` is never ambiguous. */
export function isEpoch(text: unknown): text is string {
  return isName(text);
}
