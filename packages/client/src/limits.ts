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
export const HELLO_TIMEOUT_MS = 15_000;
/** Silence after which the SDK asks with a `ping`: browsers hide the protocol's own pings, and stats are not promised. */
export const PING_AFTER_MS = 25_000;
/** Silence after a `ping` that means the connection is dead though nobody closed it. */
export const PONG_TIMEOUT_MS = 10_000;
/** How often silence is looked at. */
export const WATCH_INTERVAL_MS = 2_500;
