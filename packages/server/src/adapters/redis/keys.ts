/**
 * The one definition of every name in Redis. All keys of a room share the hash tag `{ROOM}`, so they lie in one slot of
 * a Cluster and one script may touch them all; the same holds for the keys of a dispatch slot. Room names know no
 * braces.
 *
 * ```
 * stream:room:{ROOM}          stream   the room's log, one entry per record, id = `<offset>-0`
 * room:{ROOM}                 hash     epoch, head, ts, settings, … (`MetaField`)
 * keys:room:{ROOM}            hash     idempotency keys of late: `uid LF key` → `offset ts`
 * keys:room:{ROOM}:before     hash     those of the time before that
 * slow:room:{ROOM}            sorted set  users whom slow mode binds, by when they wrote last, Unix ms
 * live:room:{ROOM}            channel  (sharded) what was just written, for the nodes that show the room
 * later:room:{ROOM}           sorted set  numbers (ten digits) of danmaku that wait, by their time, Unix ms
 * later:room:{ROOM}:kept      hash     number → `time length-of-key LF key record`; `last` number given, by which `server`,
 *                                      `bytes` of the records
 * later:room:{ROOM}:keys      hash     idempotency keys of those: `uid LF key` → `number:time`
 * later:room:{ROOM}:asked     hash     node → what it last had wait or took back, and the answer
 * later:{part-N}:rooms        sorted set  rooms in which danmaku wait, by when somebody has to look at them, Unix ms
 * later:{part-N}:sizes        hash     room → danmaku and bytes that wait in it; `:count`, `:bytes` of all
 * dead:room:{ROOM}            stream   entries that the dispatch workers gave up on
 * online:room:{ROOM}          hash     node → its viewers and until when that holds
 * dispatch:{slot-N}:rooms     set      rooms of a dispatch slot that have a stream
 * dispatch:{slot-N}:lease     string   the worker that has the slot
 * dispatch:{slot-N}:bell      channel  (sharded) names of rooms that were just written to
 * sanctions:room:{ROOM}       hash     mutes and bans of a room: `<kind> <uid>` → `<until> <since> <by>`, and `revision`
 * sanctions:{site}            hash     those of the whole site, likewise
 * sanctions:{site}:news       channel  nobody listens to it; nodes ask for the revision
 * danmakud:users              channel  (sharded) what users have published of late, for the limit over all nodes
 * danmakud:nodes              sorted set  nodes by their last sign of life, Unix ms
 * dispatch:{slot-N}:fence     string   token of the last lease, which grows with each change of hands
 * dispatch:workers            sorted set  the workers that are alive, by when they no longer count as such
 * ```
 */
import { SITE } from "@danmakud/core/ports";

export const streamKey = (room: string): string => `stream:room:{${room}}`;
export const metaKey = (room: string): string => `room:{${room}}`;
export const keysKey = (room: string): string => `keys:room:{${room}}`;
export const olderKeysKey = (room: string): string => `keys:room:{${room}}:before`;
export const slowKey = (room: string): string => `slow:room:{${room}}`;
export const liveChannel = (room: string): string => `live:room:{${room}}`;
export const onlineKey = (room: string): string => `online:room:{${room}}`;
export const waitingKey = (room: string): string => `later:room:{${room}}`;
export const waitingRecordsKey = (room: string): string => `later:room:{${room}}:kept`;
export const waitingKeysKey = (room: string): string => `later:room:{${room}}:keys`;
export const waitingAskedKey = (room: string): string => `later:room:{${room}}:asked`;
export const deadKey = (room: string): string => `dead:room:{${room}}`;

/** `SITE` = those of the site. */
export const sanctionsKey = (room: string): string =>
  room === SITE ? `sanctions:{${SITE_TAG}}` : `sanctions:room:{${room}}`;
const SITE_TAG = "site";
/** The hash tag of that key. */
export const sanctionsTag = (room: string): string => (room === SITE ? SITE_TAG : room);
export const SITE_NEWS_CHANNEL = `sanctions:{${SITE_TAG}}:news`;
/** Field of that hash which is another one with each change. */
export const SANCTION_REVISION = "revision";
const LIVE = "live:room:{";

/** Whether a channel is a room's, by its first letter: there is no other such. */
export const isLiveChannel = (channel: Uint8Array): boolean => channel[0] === LIVE.charCodeAt(0);

/** The keys of `append.lua`, in its order. */
export const appendKeys = (room: string): readonly string[] => [
  metaKey(room),
  streamKey(room),
  keysKey(room),
  olderKeysKey(room),
  liveChannel(room),
  waitingKey(room),
  waitingRecordsKey(room),
  waitingKeysKey(room),
  slowKey(room),
];

/** The rooms in which danmaku wait lie in so many parts, spread over the masters of a Cluster. */
export const WAITING_PARTS = 16;
export const waitingRoomsKey = (part: number): string => `later:{part-${part}}:rooms`;
export const waitingSizesKey = (part: number): string => `later:{part-${part}}:sizes`;

/** The number of a scheduled danmaku as it stands in keys: texts of equal length are in the order of numbers. */
export const waitingMember = (number: number): string => String(number).padStart(10, "0");

/** The room of a live channel. */
export const roomOfChannel = (channel: string): string => channel.slice(LIVE.length, -1);

/** Fields of a room's hash that others than the script read or write. */
export const MetaField = {
  epoch: "epoch",
  /** Highest offset used or burned. */
  head: "head",
  /** Unix ms of the newest record. */
  ts: "ts",
  /** Text of the settings; absent = none. */
  settings: "settings",
  /** Offset up to which the dispatch group has acknowledged everything; only where the group exists. */
  dispatched: "dispatched",
} as const;

/** Fields of a stream entry, in the order they are written. */
export const EntryField = {
  timestamp: "timestamp",
  uid: "uid",
  content: "content",
  mode: "mode",
  color: "color",
  size: "size",
  class: "class",
  name: "name",
  attrs: "attrs",
  /** `1`: viewers other than the sender do not see it (`maxRate`). */
  sampled: "sampled",
  /** The number under which it waited for its time. */
  scheduled: "scheduled",
  /** `delete`; absent = a danmaku. */
  type: "type",
  /** Of a delete: the offset that is taken away, … */
  of: "of",
  /** … or the user whose danmaku are. */
  ofUid: "ofUid",
} as const;

/** By this nodes tell each other what users have published. */
export const USERS_CHANNEL = "danmakud:users";

/** Nodes by their last sign of life. */
export const NODES_KEY = "danmakud:nodes";

/** Consumer group of the dispatch workers on every room's stream. */
export const DISPATCH_GROUP = "cg-danmu";
export const DISPATCH_SLOTS = 1024;
export const DISPATCH_WORKERS_KEY = "dispatch:workers";
export const dispatchRoomsKey = (slot: number): string => `dispatch:{slot-${slot}}:rooms`;
export const dispatchLeaseKey = (slot: number): string => `dispatch:{slot-${slot}}:lease`;
export const dispatchFenceKey = (slot: number): string => `dispatch:{slot-${slot}}:fence`;
export const dispatchBellChannel = (slot: number): string => `dispatch:{slot-${slot}}:bell`;

/** The dispatch slot of a room. */
export const slotOf = (room: string): number => crc16(room) % DISPATCH_SLOTS;

/** The part in which a room stands while danmaku wait in it. */
export const waitingPartOf = (room: string): number => crc16(room) % WAITING_PARTS;

/** Stream id of an offset, and back. */
export const entryId = (offset: number): string => `${offset}-0`;
export const offsetOfId = (id: string): number => Number(id.slice(0, id.indexOf("-")));

/** CRC16 of Redis Cluster (XMODEM: polynomial 0x1021, start 0), over the UTF-8 bytes of a text. */
export function crc16(text: string): number {
  let crc = 0;
  for (const byte of encoder.encode(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

const encoder = new TextEncoder();
