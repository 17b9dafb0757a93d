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

/**
 * Users whose messages are counted over all threads of a node, at once: twice what a thread remembers, so that the table
 * is half empty where one has as many as it can. 64 B each, 8 MiB in all, on nodes with several gateway threads only.
 */
export const USERS_SHARED_MAX = 131_072;

/**
 * Users of a gateway whose messages wait to be told to the other nodes: those of one exchange, so 8,000 different
 * publishers per second. Who comes beyond is limited by each node alone for that moment, and counted.
 */
export const USERS_TALLIED_MAX = 4096;

/** Nodes that share a log tell each other what users have published after so long at most, ms. */
export const USER_EXCHANGE_MS = 500;

/**
 * What a user has published on several nodes at once before they could know of each other is made up for: a full window
 * more for each full window of messages too many, up to so many.
 */
export const USER_OVERSHOOT_WINDOWS_MAX = 12;

/** Connections one set of buckets can hold; the descriptor limit of a process is far below. 8 B each, grown on demand. */
export const CONNECTIONS_TRACKED_MAX = 1 << 21;

/**
 * Handshakes per second and gateway thread, sustained. A join with a history of 50 takes some 50 µs of CPU on two shared
 * cores (20,000 per CPU second: docs/benchmarks/joins.md), so this is half of a core for those who come, and leaves the
 * other half to those who are there. It is twice what one core is promised to take (5,000 a second).
 */
export const HANDSHAKES_PER_SECOND = 10_000;

/** How handshakes are let in. */
export const HANDSHAKES = {
  /**
   * How long one may wait. Browsers wait far longer by themselves; a person does not, and whoever comes back later finds
   * less of a crowd. The queue holds what is let in within this time at the full rate (20,000 by default, some 3 KB
   * each): more could only wait in vain.
   */
  waitMsMax: 2000,
  /** Let in per turn of the loop: some 1.6 ms of joining, at the full rate a batch and a half. */
  perTurnMax: 32,
  /** They are let in by the batch, the rate of so long: turns cost something too, and nobody notices 2 ms. */
  batchMs: 2,
  /** What may come at once after a quiet time is the rate of so long: turns of a few ms then lose nothing of it. */
  burstMs: 10,
  /** Who is sent away comes back after 1 to 5 s, which spreads even a full queue over less than the rate. */
  retryMsMin: 1000,
  retryMsSpread: 4000,
} as const;
