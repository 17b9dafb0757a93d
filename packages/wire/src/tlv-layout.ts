/**
 * Layout of the TLV records: offsets and bit positions only, no algorithm.
 *
 * Little endian. A record starts at a multiple of four bytes and begins with the header word:
 *
 *      31                  21 20      16 15                             0
 *     +----------------------+----------+-------------------------------+
 *     |         aux          |   type   |            length             |
 *     +----------------------+----------+-------------------------------+
 *
 * `length` counts the record with its header, without padding; the next record starts at align4(length), and the
 * padding bytes are zero. `aux` belongs to the type. 48-bit numbers (offset, ts) are split into a word for the lower
 * 32 bits and a half-word for the upper 16; ids (53 bits) into a word and 21 bits of another.
 *
 * Log records (danmaku, delete): a sequencer sets words 1–3 without knowing which of the two it has.
 *
 *     w1  offset, lower 32 bits
 *     w2  ts, lower 32 bits
 *     w3  ts, upper 16 bits << 16 | offset, upper 16 bits
 *
 * danmaku     aux = class << 8 | mode << 6 | size - 12
 *     w4  sampled << 31 | extra << 30 | (uidBytes - 1) << 24 | color
 *     w5  attrsBytes << 8 | nameBytes                             only with `extra`
 *         uid, name, attrs (JSON text), content (all that is left)
 * delete      aux = byUid
 *     w4  of, lower 32 bits      w5  of, upper 16 bits            or, with `byUid`, the uid (all that is left)
 * hello       aux = resumed
 *     w1  head, lower 32 bits    w2  serverTime, lower 32 bits    w3  serverTime hi << 16 | head hi
 *     w4  uidBytes << 16 | epochBytes << 8 | roomBytes
 *         room, epoch, uid
 * gap         aux = reason
 *     w1  from, lower 32 bits    w2  to, lower 32 bits            w3  to hi << 16 | from hi
 * ack         w1  id lo          w2  id hi (21 bits)              w3  offset lo     w4  offset hi (16 bits)
 * error       aux = hasRetryAfter << 6 | hasId << 5 | code
 *     w1  id lo                  w2  id hi (21 bits)              w3  retryAfterMs
 *         message (all that is left)
 * stats       w1  online
 * ping, pong  w1  id lo          w2  id hi (21 bits)
 * scheduled   w1  id lo          w2  id hi (21 bits)              w3  number
 *     w4  deliverAt lo           w5  deliverAt hi (16 bits)
 * publish     aux = hasDelay << 4 | hasDeliverAt << 3 | extra << 2 | mode
 *     w1  id lo                  w2  (class + 1) << 27 | (size - 12) << 21 | id hi (21 bits); class 0 = not given
 *     w3  keyBytes << 24 | color
 *         deliverAt or delayMs, two words (lo, hi 16 bits)        only with hasDeliverAt or hasDelay
 *         attrsBytes << 16 | nameBytes << 8 | uidBytes            only with `extra`
 *         key, uid, name, attrs (JSON text), content (all that is left)
 *
 * Bits that are not named are zero, and so are numbers whose flag is not set; a decoder refuses anything else.
 */

/** Numbers of the record types. */
export const RECORD_TYPES = {
  none: 0,
  hello: 1,
  danmaku: 2,
  delete: 3,
  gap: 4,
  ack: 5,
  error: 6,
  stats: 7,
  pong: 8,
  publish: 9,
  ping: 10,
  /** Raw DEFLATE (RFC 1951) of further records, for connections that asked for it. */
  deflate: 11,
  scheduled: 12,
} as const;

export const HEADER_BYTES = 4;
export const TYPE_SHIFT = 16;
export const AUX_SHIFT = 21;

/** Log records. */
export const OFFSET_LO = 4;
export const TS_LO = 8;
export const OFFSET_HI = 12;
export const TS_HI = 14;
/** End of what all log records share. */
export const LOG_BYTES = 16;

export const DANMAKU_STYLE = 16;
/** Byte that holds uidBytes − 1 and the two flags. */
export const DANMAKU_UID_BYTES = 19;
export const DANMAKU_EXTRA = 20;
/** Start of the uid without and with the extra word. */
export const DANMAKU_BYTES = 20;
export const DANMAKU_EXTRA_BYTES = 24;
export const UID_BYTES_MASK = 0x3f;
export const EXTRA_FLAG = 0x40;
export const SAMPLED_FLAG = 0x80;

export const DELETE_OF_LO = 16;
export const DELETE_OF_HI = 20;
export const DELETE_OF_BYTES = 24;

export const HELLO_NAMES = 16;
export const HELLO_BYTES = 20;

/** A whole gap record. */
export const GAP_BYTES = 16;

export const ID_LO = 4;
export const ID_HI = 8;
export const ID_HI_MASK = 0x1f_ffff;
/** Length of ping and pong. */
export const ID_BYTES = 12;

export const ACK_OFFSET_LO = 12;
export const ACK_OFFSET_HI = 16;
export const ACK_BYTES = 20;

export const SCHEDULED_NUMBER = 12;
export const SCHEDULED_AT_LO = 16;
export const SCHEDULED_AT_HI = 20;
export const SCHEDULED_BYTES = 24;

export const ERROR_RETRY = 12;
export const ERROR_BYTES = 16;
export const ERROR_CODE_MASK = 0x1f;
export const ERROR_HAS_ID = 0x20;
export const ERROR_HAS_RETRY = 0x40;

export const STATS_ONLINE = 4;
export const STATS_BYTES = 8;

export const PUBLISH_SIZE_SHIFT = 21;
export const PUBLISH_CLASS_SHIFT = 27;
export const PUBLISH_STYLE = 12;
export const PUBLISH_BYTES = 16;
export const PUBLISH_EXTRA = 0x04;
export const PUBLISH_DELIVER_AT = 0x08;
export const PUBLISH_DELAY = 0x10;

/** The next multiple of four. */
export function align4(bytes: number): number {
  return (bytes + 3) & ~3;
}
