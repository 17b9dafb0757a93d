/** Numbers of the publish policy; each with the reason beside it. */

/** A count per time. */
export interface RateLimit {
  /** Sustained rate, messages per second. */
  readonly perSecond: number;
  /** Messages that may come at once after a quiet time. */
  readonly burst: number;
}

/**
 * What one connection may send. A person types a few messages a minute; 500 per second leaves room for a bridge that
 * speaks for a whole audience while one connection still cannot take a noticeable share of a gateway (≥ 100 k/s).
 */
export const CONNECTION_LIMIT: RateLimit = { perSecond: 500, burst: 500 };

/** What one user may publish: messages in any stretch of `USER_WINDOW_MS`, over all connections of the user. */
export const USER_MESSAGES_MAX = 20;

/** Length of the window in which a user's messages are counted. */
export const USER_WINDOW_MS = 5_000;

/**
 * Users remembered at once per limiter. A user counts only while one of its messages is younger than the window, so
 * this is reached at 13,000 different publishers per second; memory at the full count is 65,536 × 20 × 8 B = 10 MiB.
 */
export const USERS_TRACKED_MAX = 65_536;

/** Connections one set of buckets can hold; the descriptor limit of a process is far below. 8 B each, grown on demand. */
export const CONNECTIONS_TRACKED_MAX = 1 << 21;
