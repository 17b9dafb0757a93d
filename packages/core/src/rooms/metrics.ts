/** Numbers of the counters, one definition for those who count and those who show. */
export const METRICS = {
  publishes: 0,
  sequenced: 1,
  repeats: 2,
  refusals: 3,
  deliveries: 4,
  frames: 5,
  frameBytes: 6,
  drops: 7,
  skipped: 8,
  viewers: 9,
  roomsWatched: 10,
  roomsOpen: 11,
  windowBytes: 12,
  commits: 13,
  committed: 14,
  commitFailures: 15,
  joins: 16,
  resumes: 17,
  slowClosed: 18,
  sampled: 19,
  handshakes: 20,
  handshakesDelayed: 21,
  handshakesOverflowed: 22,
  handshakesExpired: 23,
  handshakesGone: 24,
  holesRead: 25,
  roomsMoved: 26,
  unread: 27,
  logFailing: 28,
  scheduled: 29,
  scheduledDelivered: 30,
  scheduledLate: 31,
  scheduledCancelled: 32,
  scheduledWaiting: 33,
  sanctions: 34,
  batchWait: 35,
  batchRoundTrip: 36,
  usersUntold: 37,
  unreplicated: 38,
} as const;

const HANDSHAKES_REFUSED = {
  name: "danmakud_handshakes_refused_total",
  kind: "counter",
  help: "Handshakes that were not let in: too many waited, they waited too long, or the client was gone by then.",
} as const;

/** How each metric appears to the outside: Prometheus name, kind and help; several may be one name's, told apart by `reason`. */
export const METRIC_INFO: {
  readonly [Name in keyof typeof METRICS]: {
    readonly name: string;
    readonly kind: "counter" | "gauge";
    readonly help: string;
    readonly reason?: string;
  };
} = {
  publishes: {
    name: "danmakud_publishes_total",
    kind: "counter",
    help: "Publishes that passed the checks and went to the sequencer.",
  },
  sequenced: { name: "danmakud_sequenced_total", kind: "counter", help: "Records that got an offset." },
  repeats: {
    name: "danmakud_repeats_total",
    kind: "counter",
    help: "Publishes whose idempotency key was seen before.",
  },
  refusals: {
    name: "danmakud_refusals_total",
    kind: "counter",
    help: "Publishes refused for their sender's role or rate, or because the node is too busy.",
  },
  deliveries: {
    name: "danmakud_deliveries_total",
    kind: "counter",
    help: "Records sent, counted per viewer.",
  },
  frames: { name: "danmakud_frames_total", kind: "counter", help: "Frames of records sent to viewers." },
  frameBytes: {
    name: "danmakud_frame_bytes_total",
    kind: "counter",
    help: "Bytes of those frames; of text frames the characters.",
  },
  drops: {
    name: "danmakud_frames_refused_total",
    kind: "counter",
    help: "Frames that a full socket did not take; they are sent again later.",
  },
  skipped: {
    name: "danmakud_skipped_total",
    kind: "counter",
    help: "Offsets announced to slow viewers by a gap instead of being sent.",
  },
  viewers: { name: "danmakud_viewers", kind: "gauge", help: "Connected viewers." },
  roomsWatched: {
    name: "danmakud_rooms_watched",
    kind: "gauge",
    help: "Rooms that gateways keep a window of.",
  },
  roomsOpen: { name: "danmakud_rooms_open", kind: "gauge", help: "Rooms open at the sequencer." },
  windowBytes: { name: "danmakud_window_bytes", kind: "gauge", help: "Memory of all room windows." },
  commits: { name: "danmakud_commits_total", kind: "counter", help: "Group commits to the log." },
  committed: { name: "danmakud_committed_total", kind: "counter", help: "Records committed to the log." },
  commitFailures: {
    name: "danmakud_commit_failures_total",
    kind: "counter",
    help: "Group commits that failed and were tried again.",
  },
  joins: { name: "danmakud_joins_total", kind: "counter", help: "Viewers that joined a room." },
  resumes: {
    name: "danmakud_resumes_total",
    kind: "counter",
    help: "Joins that went on after an earlier position.",
  },
  slowClosed: {
    name: "danmakud_slow_closed_total",
    kind: "counter",
    help: "Viewers closed because they took nothing for too long.",
  },
  scheduled: {
    name: "danmakud_scheduled_total",
    kind: "counter",
    help: "Danmaku accepted to be delivered later.",
  },
  scheduledDelivered: {
    name: "danmakud_scheduled_delivered_total",
    kind: "counter",
    help: "Scheduled danmaku that were delivered.",
  },
  scheduledLate: {
    name: "danmakud_scheduled_late_total",
    kind: "counter",
    help: "Of those, delivered over 100 ms late, because the node was down or held up.",
  },
  scheduledCancelled: {
    name: "danmakud_scheduled_cancelled_total",
    kind: "counter",
    help: "Scheduled danmaku that were taken back.",
  },
  scheduledWaiting: {
    name: "danmakud_scheduled_waiting",
    kind: "gauge",
    help: "Danmaku that wait for their time.",
  },
  sanctions: {
    name: "danmakud_sanctions",
    kind: "gauge",
    help: "Mutes and bans that hold; on a shared log those of the site and of the rooms open on this node.",
  },
  sampled: {
    name: "danmakud_sampled_total",
    kind: "counter",
    help: "Records that only their senders see, because more came than the room's maxRate lets be seen.",
  },
  handshakes: {
    name: "danmakud_handshakes_total",
    kind: "counter",
    help: "WebSocket upgrades and openings of event streams that were let in.",
  },
  handshakesDelayed: {
    name: "danmakud_handshakes_delayed_total",
    kind: "counter",
    help: "Of all that came, those that had to wait for their turn.",
  },
  handshakesOverflowed: { ...HANDSHAKES_REFUSED, reason: "queue_full" },
  handshakesExpired: { ...HANDSHAKES_REFUSED, reason: "too_late" },
  handshakesGone: { ...HANDSHAKES_REFUSED, reason: "gone" },
  holesRead: {
    name: "danmakud_holes_read_total",
    kind: "counter",
    help: "Stretches read back from a shared log because their messages did not come.",
  },
  roomsMoved: {
    name: "danmakud_rooms_moved_total",
    kind: "counter",
    help: "Times a room of a shared log went on with a new epoch, or after offsets that will not come.",
  },
  batchWait: {
    name: "danmakud_batch_wait_seconds_total",
    kind: "counter",
    help: "Time that batches for a shared log waited before they were sent; divide by danmakud_commits_total.",
  },
  batchRoundTrip: {
    name: "danmakud_batch_round_trip_seconds_total",
    kind: "counter",
    help: "Time from sending a batch to a shared log until its answer; divide by danmakud_commits_total.",
  },
  usersUntold: {
    name: "danmakud_user_messages_untold_total",
    kind: "counter",
    help: "Messages that other nodes do not count against their sender, because too many users published at once.",
  },
  unread: {
    name: "danmakud_trimmed_unread_total",
    kind: "counter",
    help: "Records trimmed from a shared log before the dispatch group had read them.",
  },
  unreplicated: {
    name: "danmakud_unreplicated_total",
    kind: "counter",
    help: "Records that fewer replicas had in time than an ack waits for: they are in the log, and were answered unavailable.",
  },
  logFailing: {
    name: "danmakud_log_failing",
    kind: "gauge",
    help: "1 while the shared log does not answer and publishes are refused.",
  },
};
