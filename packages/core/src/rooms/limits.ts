/**
 * When those who were refused are told to try again, ms. A client adds its own jitter and backs off from there.
 * - `full`: a ring or table is full at this moment; the sequencer empties one within a few ms.
 * - `refused`: the sequencer refused or did not answer, or too much was asked at once.
 * - `unavailable`: the node cannot serve for now (its log cannot be written, it is going down, a thread is silent).
 */
export const RETRY_AFTER_MS = { full: 200, refused: 500, unavailable: 1000 } as const;

/** Bounds of rooms, windows and viewers, each with its reason. */
export const ROOM_LIMITS = {
  /** Records a window keeps. Covers a viewer that is away for a second in the busiest room; more comes from the log. */
  windowRecordsMax: 4096,
  /** Bytes a window may grow to: 4096 records of typical size, with room for long ones. */
  windowBytesMax: 1 << 20,
  /** A window starts this small: most rooms are small, and a node holds many. */
  windowBytesMin: 2048,
  /** Records with which a window is warmed from the log for the first viewer who asks for history. */
  windowWarmRecords: 256,
  /** `paid` and `system` records kept after they left the window, for viewers that have to skip. */
  mustDeliverKept: 256,
  /** Publishes of one gateway that wait for the sequencer or the disk. Past it: `overloaded`. */
  pendingPublishesMax: 1 << 17,
  /** Questions to the sequencer (open, look) without an answer yet. Past it: `overloaded`. */
  questionsMax: 1 << 16,
  /** Joins and publishes that wait for one room to open. */
  openWaitersMax: 1 << 16,
  /** Frames that a viewer may send before its room is open, of 64 KiB together: as many as a connection may send at once. */
  earlyFramesMax: 500,
  /** An answer that does not come: `unavailable`. Longer than any commit on a working disk. */
  answerTimeoutMs: 5000,
  /** The highest `maxRate` a room may be given, danmaku per second: more than a node takes in. */
  maxRateMax: 1_000_000,
  /** The longest `delayMs`: what it holds back has to be within what a room retains. */
  delayMsMax: 10 * 60_000,
  /** The longest `slowModeMs`: past it a room might as well be closed. */
  slowModeMsMax: 60 * 60_000,
  /** Users of a room whom slow mode remembers at once: past it some are free early. Some 100 bytes each. */
  slowUsersMax: 65_536,
  /** So much of a room's `maxRate` may come at once: viewers read by the second, and gateways gather for less. */
  sampleBurstMs: 250,
  /** A room's idempotency keys, as docs/protocol.md promises them. */
  keysPerRoomMax: 100_000,
  keyLifeMs: 5 * 60_000,
  /** Keys dropped per turn, about 1 ms. What is left waits for a moment: a full room is empty after some 3 s. */
  expireKeysPerTurnMax: 10_000,
  /** How often a room's keys are looked through at most: publishes with keys come one by one, and so they grow old. */
  expireKeysIntervalMs: 1000,
  /** Users of a room's slow mode looked at in one go, whether it still binds them, and how often: some 50 µs. */
  slowUsersPerLookMax: 4096,
  slowLookIntervalMs: 5000,
  /** Rooms per turn from which the viewers of a dead gateway are taken back: under 1 ms. */
  takenBackPerTurnMax: 4096,
  /**
   * What is left out of what viewers see is announced by gaps as soon as something else is sent, and within this time
   * otherwise: a frame with nothing but a gap costs as much as any.
   */
  gapHeldMs: 1000,
  /** So many records without a pass for all are announced before that: well within what a window holds, so that nobody falls behind. */
  gapHeldRecordsMax: 512,
  /** In a large room, senders of what others do not see get it within this: finding them means looking at every viewer. */
  sendersGatherMs: 50,
  /** Viewers that a pass for senders looks at in one turn: about 0.5 ms. */
  sendersLookedMax: 16_384,
  /** A frame for one viewer. Larger backlogs go out as several frames, so that one send never fills a socket's queue. */
  frameBytesMax: 256 * 1024,
  /** Shorter frames are not compressed: a header and a few records hardly shrink. */
  deflateBytesMin: 256,
  /** A page read from the log for a viewer that catches up. */
  pageRecordsMax: 1000,
  pageBytesMax: 128 * 1024,
  /** Questions for history that take several turns, each with up to 1 MiB found so far. Past it: `overloaded`. */
  historiesMax: 256,
  /**
   * Sends per turn of the event loop, over all rooms: about 0.7 ms of kernel time. What publishers send meanwhile waits for the
   * turn's end, and a turn by itself takes some 10 µs.
   */
  sendsPerTurnMax: 96,
  /**
   * Text and compressed frames are made anew in a pass after so many sends: making one takes as long as some tens of them, and what
   * came since then waits for the next pass.
   */
  rendersForMin: 512,
  /** Bytes that a turn's sends may have: where frames are long, copying them is what takes the time. About 1 ms. */
  sendBytesPerTurnMax: 1 << 20,
  /** Pages read from the log per room and turn. */
  pagesPerTurnMax: 32,
  /** Ring entries a thread handles per turn before it looks at its sockets again. */
  entriesPerTurnMax: 4096,
  /** A viewer that takes nothing for this long is closed. */
  blockedMsMax: 30_000,
  /** The server pings after this long without traffic, and closes after so much silence: docs/protocol.md. */
  pingAfterMs: 30_000,
  silenceMsMax: 75_000,
  /**
   * A viewer that is sent danmaku is pinged later: from the first on by the next frame, which takes the ping along, at
   * the second by itself. A ping alone and its answer cost more than a danmaku. The rest is left for the answer.
   */
  pingWithFrameMs: 45_000,
  pingAtLatestMs: 60_000,
  /** `stats` at most this often per room: docs/protocol.md. */
  statsIntervalMs: 5000,
  /** Danmaku that may wait for their time, in one room and in all: the sequencer holds them in memory. */
  scheduledPerRoomMax: 20_000,
  scheduledMax: 200_000,
  /** Bytes of their records, in all. */
  scheduledBytesMax: 64 * 1024 * 1024,
  /** How far ahead a danmaku may be scheduled: a year, so that a typing error in a date is found out at once. */
  scheduleAheadMsMax: 366 * 86_400_000,
  /** A scheduled danmaku delivered later than this after its time counts as late: longer than any commit on a working disk. */
  scheduledLateMs: 100,
  /** Of a page of scheduled danmaku. */
  scheduledPageMax: 1000,
  /** Rooms whose windows are added up per tick, for a metric: some 50 µs. */
  roomsMeasuredMax: 2048,
  /**
   * Mutes and bans in force, of one room (a raid leaves some thousands; a Redis hash of so many is read in 2 ms) and of a
   * node's own log in all. The owner of the rooms holds them in memory, some 250 bytes each.
   */
  sanctionsPerRoomMax: 10_000,
  sanctionsMax: 200_000,
  /** The longest that can be said in seconds: a year. What is to last longer holds until it is lifted. */
  sanctionSecondsMax: 366 * 86_400,
  /** Of a page of mutes or bans. */
  sanctionPageMax: 1000,
  /** One group commit. */
  commitRecordsMax: 4000,
  commitGatherMs: 5,
  /**
   * After a group of more than one record, the next gathers for longer: half as many syncs of the disk under load. A lone user who
   * waits for each ack before writing again is not kept waiting longer; among others who publish, or with batches, 5 ms more.
   */
  commitGatherBusyMs: 10,
  commitBusyRecordsMin: 2,
  commitRetryMs: 250,
  /** The sequencer holds rooms this much longer than gateways, so that those rarely meet a room that is being let go. */
  lingerMarginMs: 2000,
  /** Names read at once for a list, however short the page: those that are being forgotten are left out of it. */
  listNamesMin: 100,
  /** Rooms looked at per pass of forgetting. */
  forgetRoomsMax: 10_000,
  forgetIntervalMs: 60_000,
} as const;
