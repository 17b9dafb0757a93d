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
  /** Channels that are taken up again by one command after a reconnect. */
  resubscribeChannels: 500,
  /** A Cluster's map of slots is read anew so often, so that a moved slot or a new master is found without an error. */
  slotsRefreshIntervalMs: 5000,
  /** Tries of one command by the client itself, redirections included. */
  redirectionsMax: 8,
  /** A node tells so often that it is alive, and counts as gone after that much silence: with it go its viewers. */
  beatMs: 1000,
  nodeSilenceMs: 7000,
  /** Records kept at most while the dispatch group has not read them, as a multiple of those retained. */
  unreadFactor: 20,
  /**
   * Offsets burned where a server came back or a replica took over: more than a room can have been given that the server
   * then lost (a second of all that a server takes). Times 1 to 256, by the life of the server: see append.lua.
   */
  burn: 1_000_000,
  /** By how much the numbers of scheduled danmaku jump there: more than wait in a room, and they never run out. */
  scheduledBurn: 100_000,
  /** What a node asked last of a room's schedule is remembered for so long: it asks again within seconds, or never. */
  scheduledAskedMs: 600_000,
  /**
   * A node looks after rooms in which something is due within so long, and says so every second. It has died where it has
   * not for the lease; another takes over, so what was due meanwhile is late by that at most.
   */
  dueAheadMs: 2000,
  dueLeaseMs: 2500,
  /** Wait for replicas (`--redis-wait`) at most this long. */
  replicaWaitMs: 1000,
  /** Doorbells of a dispatch slot are gathered for so long. */
  bellGatherMs: 5,
  /**
   * What users have published is gathered for so long before other nodes are told: with the gateways' 200 ms that is the
   * 500 of an exchange (core's `USER_EXCHANGE_MS`). At most so many bytes of it, some 20,000 users.
   */
  userGatherMs: 250,
  userBytesMax: 256 * 1024,
  /** Pages that a gateway reads at once for its viewers, and those it keeps for others at the same place. */
  readsMax: 128,
  pagesKeptMax: 256,
  pageKeptMs: 1000,
  /** A page that does not come is an error after this. */
  readTimeoutMs: 8000,
  /** Hosts of one URL. */
  hostsMax: 32,
} as const;
