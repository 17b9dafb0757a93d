/** Bounds and times of the SDK, with the reason for each. */

/** Sends that wait for an ack at most; beyond it the caller is faster than the room and hears `overloaded`. */
export const PENDING_MAX = 1000;
/** A person who pressed Enter wants to know by then. Reconnecting after a restart of the node fits in easily. */
export const SEND_TIMEOUT_MS = 30_000;
/** First reconnect: within half a second, so that a restart goes nearly unseen. */
export const BACKOFF_BASE_MS = 500;
/** Further apart than this a viewer would notice that the room came back before he did. */
export const BACKOFF_MAX_MS = 20_000;
/** A connection that lasted this long was a good one: the next loss starts again from the base. */
export const STABLE_AFTER_MS = 2_000;
/** A server's `retryAfterMs` beyond this is a mistake. */
export const RETRY_AFTER_MAX_MS = 300_000;
/** From the start of a connection to its `hello`. */
export const HELLO_TIMEOUT_MS = 10_000;
/** Silence after which the SDK asks with a `ping`: browsers hide the protocol's own pings, and stats are not promised. */
export const PING_AFTER_MS = 25_000;
/** Silence after a `ping` that means the connection is dead though nobody closed it. */
export const PONG_TIMEOUT_MS = 10_000;
/** The same after the network came back or the tab was shown: a socket is often dead then, and a person is looking. */
export const WAKE_TIMEOUT_MS = 4_000;
/** An event stream has a comment every ten seconds. */
export const STREAM_SILENCE_MS_MAX = 13_000;
/** How often silence is looked at. */
export const WATCH_INTERVAL_MS = 1_000;
/** Connections by WebSocket that may fail before the first record until event streams are tried: one may be chance. */
export const BLOCKED_AFTER = 2;
/** How long a stream stands in for a WebSocket that failed: the failure may have been a storm rather than a proxy. */
export const STREAM_MS_MAX = 600_000;
/** Danmaku in one POST: some 200 KB at their longest, far below what a body may have. */
export const POST_RECORDS_MAX = 100;
/** Characters of one event of a stream; the longest record takes a tenth of it. */
export const EVENT_CHARS_MAX = 1 << 20;
/** A new token is asked for this long before the old one expires; for short-lived ones, after four fifths of their time. */
export const TOKEN_MARGIN_MS = 30_000;
/** A token so near to its end is left to expire: it was given out so, and the next one would be no better. */
export const TOKEN_RENEW_MS_MIN = 1_000;
/** What timers can wait at most: a signed word of 32 bits. */
export const TIMER_MS_MAX = 2 ** 31 - 1;
