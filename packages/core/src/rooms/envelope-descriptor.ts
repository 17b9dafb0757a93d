/**
 * What the entries of the rings hold around a record. Words of 32 bits; all offsets are in words from the start of the
 * entry. The record itself is the TLV record of `@danmakud/wire`, unchanged.
 *
 * Ingress (gateway → sequencer):
 *
 *       0               8               16              24            31
 *      +---------------+---------------+-------------------------------+
 *   0  | kind          | incarnation   | extra bytes (key, name, text) |
 *      +---------------+---------------+-------------------------------+
 *   1  | ticket: counts the publishes of a gateway                     |
 *      +---------------------------------------------------------------+
 *   2  | room number (open: 1 = create, 0 = look)                      |
 *      +---------------------------------------------------------------+
 *   3  | count: viewers of the room on this gateway                    |
 *      | unschedule: number of the scheduled danmaku                   |
 *      | publish: EXEMPT or 0                                          |
 *      +---------------------------------------------------------------+
 *   4  | extra bytes, padded to a word; then the record (publish)      |
 *      | (settings: the extra bytes are the change as JSON)            |
 *      | (schedule: two words of delivery time before the extra bytes) |
 *      | (sanction: as in the broadcast entry)                         |
 *      +---------------------------------------------------------------+
 *
 * Broadcast (sequencer → gateways and journal):
 *
 *      +---------------+---------------+-------------------------------+
 *   0  | kind          | incarnation   | extra bytes (key, name, text) |
 *      +---------------+---------------+-------------------------------+
 *   1  | ticket (record with NO_ORIGIN: number it was scheduled under) |
 *      +---------------------------------------------------------------+
 *   2  | room number                                                   |
 *      +---------------------------------------------------------------+
 *   3  | origin: number of the gateway, or NO_ORIGIN                   |
 *      +---------------------------------------------------------------+
 *   4  | record: extra bytes padded, then the record                   |
 *      | other kinds: the words named below                            |
 *      +---------------------------------------------------------------+
 *
 * The incarnation tells the lives of a gateway apart: a restarted gateway must not take the answers to its
 * predecessor's publishes for its own.
 */
export const ENVELOPE_WORDS = 4;
export const ENVELOPE_BYTES = ENVELOPE_WORDS * 4;

export const IngressKind = {
  open: 1,
  publish: 2,
  count: 3,
  settings: 4,
  schedule: 5,
  unschedule: 6,
  /** A mute or ban is imposed or lifted. */
  sanction: 7,
  /** What users have published (policy/user-tallies.ts), for other nodes: the extra bytes. No ticket, no room. */
  users: 8,
} as const;

export const BroadcastKind = {
  /** A record of a room's log. */
  record: 1,
  /** Answer to a publish whose key was seen before: offset and ts of the first one. */
  repeat: 2,
  /** Answer to a publish that is refused: word 4 = error code. */
  reject: 3,
  /** A room is open: its number, and what a gateway and the journal must know of it. */
  room: 4,
  /** Number of viewers of a room: word 4. */
  stats: 5,
  /** The sequencer has let go of a room's number. */
  closed: 6,
  /** The journal is to forget a room. */
  forget: 7,
  /** Answer to an open that is refused: word 4 = error code. */
  refuse: 8,
  /** A room has new settings: head and ts as in `repeat`, then their text, whole. */
  settings: 9,
  /** A danmaku waits for its time: number and delivery time, then key and record as in `record` (not on a shared log). */
  scheduled: 10,
  /** Answer to a schedule whose key is that of a danmaku which is waiting: its number and delivery time. */
  scheduledRepeat: 11,
  /** A scheduled danmaku was taken back: the number under which this node waits for it. */
  unscheduled: 12,
  /** A mute or ban was imposed, lifted, or is over. */
  sanction: 13,
  /** One that holds, told to the gateway that opens the room before the answer, and of the site before any other answer. */
  sanctionTold: 14,
  /** A scheduled danmaku is in the shared log: ticket = the number under which this node waits for it, offset and ts as in `repeat`. */
  delivered: 15,
} as const;

export const NO_ORIGIN = 0xff;

/** Word 3 of an ingress `publish`: the sender is not bound by slow mode. */
export const EXEMPT = 1;

/** Word 4 of `reject` and `refuse`: position in `ERROR_CODES`; word 5: when to try again, ms, 0 = not said. */
export const ERROR_CODE = 4;
export const ERROR_RETRY = 5;
/** Words of `repeat` and `settings`: offset (head) and ts, low and high halves. */
export const REPEAT_OFFSET_LO = 4;
export const REPEAT_OFFSET_HI = 5;
export const REPEAT_TS_LO = 6;
export const REPEAT_TS_HI = 7;
export const REPEAT_WORDS = 8;
/** Words of `scheduled`, `scheduledRepeat`, `unscheduled` (number only). */
export const SCHEDULED_NUMBER = 4;
export const SCHEDULED_AT_LO = 5;
export const SCHEDULED_AT_HI = 6;
/** The number under which this node waits for the delivery; on a log of its own the number itself. */
export const SCHEDULED_ASKED = 7;
export const SCHEDULED_WORDS = 8;
/** Words between the envelope of ingress `schedule` and its extra bytes: the delivery time, low and high. */
export const SCHEDULE_AT_WORDS = 2;
/**
 * Words of `sanction`, in both rings, and of `sanctionTold`: kind (place in `SANCTION_KINDS`) and, a byte each, the
 * lengths of room, uid and by, whose bytes follow; the end and the beginning, Unix ms, low and high.
 */
export const SANCTION_LENGTHS = 4;
export const SANCTION_UNTIL_LO = 5;
export const SANCTION_UNTIL_HI = 6;
export const SANCTION_SINCE_LO = 7;
export const SANCTION_SINCE_HI = 8;
export const SANCTION_WORDS = 9;
/** Word 4 of `stats`. */
export const STATS_ONLINE = 4;
export const STATS_WORDS = 5;
/** Words of `room`; the name follows, then the epoch, then the text of the settings. */
export const ROOM_HEAD_LO = 4;
export const ROOM_HEAD_HI = 5;
export const ROOM_ONLINE = 6;
/** Danmaku per second, times 1000. */
export const ROOM_RATE = 7;
/** Left out per second, times 1000. */
export const ROOM_SAMPLED_RATE = 8;
/** Bytes of the name, then of the epoch in the upper half. */
export const ROOM_LENGTHS = 9;
export const ROOM_SETTINGS_BYTES = 10;
/** On a shared log, where the room has a `delayMs`: the last offset that may be seen; else the upper half is −1. */
export const ROOM_VISIBLE_LO = 11;
export const ROOM_VISIBLE_HI = 12;
export const ROOM_WORDS = 13;
/** Words of `forget`: older-than timestamp; the name follows, its bytes counted in word 0. */
export const FORGET_TS_LO = 4;
export const FORGET_TS_HI = 5;
export const FORGET_WORDS = 6;

/** Smallest broadcast entry that carries a record: envelope and the shortest log record, with the ring's own header. */
export const RECORD_ENTRY_BYTES_MIN = ENVELOPE_BYTES + 24 + 4;

export const TWO_32 = 0x1_0000_0000;

/** Splits a non-negative integer below 2^53 into its halves. */
export const low32 = (value: number): number => value >>> 0;
export const high32 = (value: number): number => Math.floor(value / TWO_32);
/** Puts halves together again. */
export const from32 = (low: number, high: number): number => (high >>> 0) * TWO_32 + (low >>> 0);

/** Bytes padded to whole words. */
export const padded = (bytes: number): number => (bytes + 3) & ~3;
