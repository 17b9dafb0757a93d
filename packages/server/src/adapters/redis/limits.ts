/** Bounds of everything that has to do with Redis, with the reasons. */
export const REDIS_LIMITS = {
  /** A server that answers no connect within this is as good as gone; a failover needs longer to be decided anyway. */
  connectTimeoutMs: 2000,
  /**
   * A command without an answer for so long means a paused or cut-off server: the connection is given up and made
   * anew. Above any script's time by a factor of a hundred.
   */
  socketTimeoutMs: 5000,
  /** Pause before a connection is tried again: doubled each time between these, with full jitter above the least. */
  reconnectMsMin: 50,
  reconnectMsMax: 2000,
  /** A Cluster's map of slots is read anew so often, so that a moved slot or a new master is found without an error. */
  slotsRefreshIntervalMs: 5000,
  /** Tries of one command by the client itself, redirections included. */
  redirectionsMax: 8,
  /** Hosts of one URL. */
  hostsMax: 32,
} as const;
