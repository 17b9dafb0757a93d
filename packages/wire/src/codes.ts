/** The closed lists of error codes and WebSocket close codes. */

/** Error codes. The position in the list is the code's number in a TLV `error` record; append only. */
export const ERROR_CODES = [
  "invalid_message",
  "too_large",
  "unauthorized",
  "forbidden",
  "rate_limited",
  "muted",
  "banned",
  "content_rejected",
  "room_closed",
  "not_found",
  "overloaded",
  "unavailable",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** HTTP status that goes with each error code. */
export const ERROR_STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid_message: 400,
  too_large: 413,
  unauthorized: 401,
  forbidden: 403,
  rate_limited: 429,
  muted: 403,
  banned: 403,
  content_rejected: 422,
  room_closed: 409,
  not_found: 404,
  overloaded: 503,
  unavailable: 503,
};

/** WebSocket close codes of danmakud, by name. 4000–4499: come back; 4500–4999: do not. */
export const CLOSE_CODES = {
  draining: 4000,
  heartbeat_timeout: 4008,
  slow_consumer: 4009,
  rate_limited: 4029,
  unauthorized: 4500,
  banned: 4501,
  protocol_error: 4502,
  room_closed: 4503,
} as const;

export type CloseName = keyof typeof CLOSE_CODES;
export type CloseCode = (typeof CLOSE_CODES)[CloseName];

/** Standard close codes that a node also uses. */
export const CLOSE_MESSAGE_TOO_BIG = 1009;
export const CLOSE_TRY_AGAIN_LATER = 1013;

/** True where the same request may succeed later, unchanged: `rate_limited`, `overloaded` and `unavailable`. */
export function errorCodeRetryable(code: ErrorCode): boolean {
  return code === "rate_limited" || code === "overloaded" || code === "unavailable";
}

/**
 * True where a client should connect again, after a jittered wait. Beside 4000–4499 these are the standard codes for
 * a lost connection or a server in trouble (1001, 1005, 1006, 1011–1015); 1000, 1002, 1003, 1007–1010 are final.
 */
export function closeCodeRetryable(code: number): boolean {
  if (code >= 4000) return code < 4500;
  return code === 1001 || code === 1005 || code === 1006 || (code >= 1011 && code <= 1015);
}

/** Narrows a text to an error code. */
export function isErrorCode(text: unknown): text is ErrorCode {
  return (ERROR_CODES as readonly unknown[]).includes(text);
}
