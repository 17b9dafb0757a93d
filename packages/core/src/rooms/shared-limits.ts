/** Bounds of a node whose log is shared with others, each with its reason. */
export const SHARED_LIMITS = {
  /** Records and bytes of one batch: a script of this size keeps the server for some 2 ms. */
  batchRecordsMax: 500,
  batchBytesMax: 128 * 1024,
  /** Batches of a room that wait for the one under way: a burst of some 30,000 danmaku. Past it: `overloaded`. */
  batchesPerRoomMax: 64,
  /** Bytes of all rooms that wait or are under way. Past it the ingress rings fill, and publishers get `overloaded`. */
  bytesMax: 48 << 20,
  /** Batches under way, over all rooms: enough to fill a connection, few enough to answer in time. */
  inFlightMax: 256,
  /** A batch whose answer did not come is sent again after this, doubled each time up to the second. */
  retryMsMin: 50,
  retryMsMax: 1000,
  /** Nothing was heard from the log for this long: publishers are told so at once instead of after their time-out. */
  failingAfterMs: 2500,
  /** A message that comes after one with higher offsets is waited for so long before the log is asked. */
  holeWaitMs: 15,
  /** Records read back for a hole at once; larger holes are left to the viewers' own reading. */
  holeRecordsMax: 4000,
  /** Arrivals that wait for room in the broadcast ring. Past it messages are dropped, and read back as holes. */
  arrivalsMax: 4096,
  /** Messages of one room that wait for those before them. */
  parkedMax: 1024,
  /** How often the log is asked whether a room is still what this node takes it for. Settings spread by it at the latest. */
  lookIntervalMs: 900,
  /** How often the log is asked for the revision of the site's bans: a change is to be everywhere within a second. */
  siteAskIntervalMs: 400,
  /** Changes of a room's viewers are gathered for so long before the log is told. */
  countWaitMs: 300,
  /** Looks per second over all rooms: with more rooms each is looked at less often. */
  looksPerSecondMax: 2000,
  /** Rooms passed by per tick on the way to those that are to be looked at: under 1 ms. */
  passedPerTickMax: 16_384,
  /** Rooms that a node looks after because something comes due in them, and puts into the log at the same time. */
  dueRoomsMax: 10_000,
  deliveriesMax: 64,
  /** How often a node says that it does, and looks for others. */
  claimIntervalMs: 1000,
  /** What a node itself had wait is looked after without a claim where it is due so soon: nobody else may see it in time. */
  dueSoonMs: 3000,
  /** What is overdue by so much in a room that is open is delivered by whoever sees it: longer than another node takes to take over. */
  dueLongMs: 6000,
  /** Deliveries told before the answer that has the danmaku wait: of one batch at most. */
  earlyDeliveriesMax: 1024,
  /** A room with records is put into the list of such rooms again so often: another server has that, and may lose it. */
  announceAgainMs: 30_000,
  /** An alarm that every batch would raise is raised at most so often. */
  alarmMsMin: 10_000,
  /** Epochs of a room that are remembered as over, so that a late message does not bring one back. */
  pastEpochsMax: 16,
} as const;
