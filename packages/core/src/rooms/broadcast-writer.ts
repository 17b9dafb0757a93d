/** Writes the entries of the broadcast ring; for the one thread that produces them. */
import { ERROR_CODES, type ErrorCode, KEY_BYTES_MAX, RECORD_BYTES_MAX } from "@danmakud/wire";
import type { BroadcastProducer } from "../memory/index.ts";
import type { Sanction } from "../ports/index.ts";
import {
  BroadcastKind,
  ENVELOPE_BYTES,
  ERROR_CODE,
  ERROR_RETRY,
  high32,
  low32,
  NO_ORIGIN,
  padded,
  REPEAT_OFFSET_HI,
  REPEAT_OFFSET_LO,
  REPEAT_TS_HI,
  REPEAT_TS_LO,
  REPEAT_WORDS,
  ROOM_HEAD_HI,
  ROOM_HEAD_LO,
  ROOM_LENGTHS,
  ROOM_ONLINE,
  ROOM_RATE,
  ROOM_SAMPLED_RATE,
  ROOM_SETTINGS_BYTES,
  ROOM_VISIBLE_HI,
  ROOM_VISIBLE_LO,
  ROOM_WORDS,
  SCHEDULED_ASKED,
  SCHEDULED_AT_HI,
  SCHEDULED_AT_LO,
  SCHEDULED_NUMBER,
  SCHEDULED_WORDS,
  STATS_ONLINE,
  STATS_WORDS,
} from "./envelope-descriptor.ts";
import { putSanction, sanctionEntryBytes } from "./sanction-entry.ts";
import { type RoomSettings, settingsText } from "./settings.ts";

const encoder = new TextEncoder();

/** Who sent an entry, and under which number the answer goes back. */
export interface Origin {
  readonly gateway: number;
  readonly incarnation: number;
  readonly ticket: number;
}

/** What an answer tells of a room. */
export interface AnnouncedRoom {
  readonly number: number;
  readonly name: string;
  readonly epoch: string;
  readonly head: number;
  readonly online: number;
  readonly rate: number;
  readonly sampledRate: number;
  readonly settings: RoomSettings;
  /** The last offset that viewers may see; undefined = gateways find out where they have to. */
  readonly visibleHead?: number | undefined;
}

export class BroadcastWriter {
  readonly ring: BroadcastProducer;

  constructor(ring: BroadcastProducer) {
    this.ring = ring;
  }

  /** Room for the largest entry there is. */
  hasRoom(): boolean {
    return this.ring.hasRoom(RECORD_BYTES_MAX + KEY_BYTES_MAX + 2 * ENVELOPE_BYTES);
  }

  /** Takes room for an entry; `origin` undefined = it answers nobody. */
  claim(bytes: number, kind: number, number: number, origin: Origin | undefined, extra = 0): number {
    const at = this.ring.claim(bytes);
    if (at < 0) throw new Error("broadcast ring is full although it had room");
    const { words } = this.ring;
    const word = at >> 2;
    words[word] = kind | ((origin?.incarnation ?? 0) << 8) | (extra << 16);
    words[word + 1] = origin?.ticket ?? 0;
    words[word + 2] = number;
    words[word + 3] = origin?.gateway ?? NO_ORIGIN;
    return at;
  }

  /** Tells of an open room; `origin` undefined = nobody has asked. */
  room(room: AnnouncedRoom, origin: Origin | undefined): void {
    const name = encoder.encode(room.name);
    const epoch = encoder.encode(room.epoch);
    const settings = encoder.encode(settingsText(room.settings));
    const bytes = ROOM_WORDS * 4 + padded(name.length + epoch.length + settings.length);
    const at = this.claim(bytes, BroadcastKind.room, room.number, origin);
    const { words, bytes: into } = this.ring;
    const word = at >> 2;
    words[word + ROOM_HEAD_LO] = low32(room.head);
    words[word + ROOM_HEAD_HI] = high32(room.head);
    words[word + ROOM_ONLINE] = room.online;
    words[word + ROOM_RATE] = Math.round(room.rate * 1000);
    words[word + ROOM_SAMPLED_RATE] = Math.round(room.sampledRate * 1000);
    words[word + ROOM_LENGTHS] = name.length | (epoch.length << 16);
    words[word + ROOM_SETTINGS_BYTES] = settings.length;
    words[word + ROOM_VISIBLE_LO] = low32(room.visibleHead ?? 0);
    words[word + ROOM_VISIBLE_HI] = room.visibleHead === undefined ? -1 : high32(room.visibleHead);
    into.set(name, at + ROOM_WORDS * 4);
    into.set(epoch, at + ROOM_WORDS * 4 + name.length);
    into.set(settings, at + ROOM_WORDS * 4 + name.length + epoch.length);
  }

  /** Answers a publish with the offset and ts that it has. */
  repeat(number: number, origin: Origin, offset: number, ts: number): void {
    this.#putOffsetAndTs(this.claim(REPEAT_WORDS * 4, BroadcastKind.repeat, number, origin), offset, ts);
  }

  /** Answers a publish whose danmaku waits in the shared log; `asked`: what this node knows it by until it is delivered. */
  scheduled(number: number, origin: Origin, scheduled: number, deliverAt: number, asked: number): void {
    const at = this.claim(SCHEDULED_WORDS * 4, BroadcastKind.scheduled, number, origin);
    this.putScheduled(at, scheduled, deliverAt, asked);
  }

  /** The words of a `scheduled` or `scheduledRepeat` entry. */
  putScheduled(at: number, scheduled: number, deliverAt: number, asked: number): void {
    const { words } = this.ring;
    const word = at >> 2;
    words[word + SCHEDULED_NUMBER] = scheduled;
    words[word + SCHEDULED_AT_LO] = low32(deliverAt);
    words[word + SCHEDULED_AT_HI] = high32(deliverAt);
    words[word + SCHEDULED_ASKED] = asked;
  }

  /** Tells who waits for the delivery of a danmaku in the shared log. */
  delivered(number: number, asked: number, offset: number, ts: number): void {
    const at = this.claim(REPEAT_WORDS * 4, BroadcastKind.delivered, number, undefined);
    this.ring.words[(at >> 2) + 1] = asked;
    this.#putOffsetAndTs(at, offset, ts);
  }

  /** Tells that a danmaku was taken back: who waits for its delivery, and whoever has asked for that. */
  unscheduled(asked: number, origin: Origin | undefined): void {
    const at = this.claim((SCHEDULED_NUMBER + 1) * 4, BroadcastKind.unscheduled, 0, origin);
    this.ring.words[(at >> 2) + SCHEDULED_NUMBER] = asked;
  }

  /** The room's settings are others now; `origin` undefined = changed elsewhere. */
  settings(
    number: number,
    origin: Origin | undefined,
    head: number,
    ts: number,
    settings: RoomSettings,
  ): void {
    const text = encoder.encode(settingsText(settings));
    const bytes = REPEAT_WORDS * 4 + padded(text.length);
    const at = this.claim(bytes, BroadcastKind.settings, number, origin, text.length);
    this.#putOffsetAndTs(at, head, ts);
    this.ring.bytes.set(text, at + REPEAT_WORDS * 4);
  }

  /** Answers a publish with an error. `retryAfterMs`: when it may be tried again; 0 = as the gateway says for that code. */
  reject(origin: Origin, code: ErrorCode, retryAfterMs = 0): void {
    this.#error(BroadcastKind.reject, origin, code, retryAfterMs);
  }

  /** Answers an open with an error. */
  refuse(origin: Origin, code: ErrorCode): void {
    this.#error(BroadcastKind.refuse, origin, code);
  }

  /** A change of a mute or ban, which answers `origin`; undefined = it is over, or was made elsewhere. */
  sanction(sanction: Sanction, origin: Origin | undefined): void {
    const at = this.claim(sanctionEntryBytes(sanction), BroadcastKind.sanction, 0, origin);
    putSanction(this.ring, at, sanction);
  }

  /** One that holds, for the gateway that asks. */
  sanctionTold(sanction: Sanction, origin: Origin): void {
    const at = this.claim(sanctionEntryBytes(sanction), BroadcastKind.sanctionTold, 0, origin);
    putSanction(this.ring, at, sanction);
  }

  stats(number: number, online: number): void {
    const at = this.claim(STATS_WORDS * 4, BroadcastKind.stats, number, undefined) >> 2;
    this.ring.words[at + STATS_ONLINE] = online;
  }

  closed(number: number): void {
    this.claim(ENVELOPE_BYTES, BroadcastKind.closed, number, undefined);
  }

  #error(kind: number, origin: Origin, code: ErrorCode, retryAfterMs = 0): void {
    const at = this.claim((ERROR_RETRY + 1) * 4, kind, 0, origin) >> 2;
    this.ring.words[at + ERROR_CODE] = ERROR_CODES.indexOf(code);
    this.ring.words[at + ERROR_RETRY] = retryAfterMs;
  }

  #putOffsetAndTs(at: number, offset: number, ts: number): void {
    const { words } = this.ring;
    const word = at >> 2;
    words[word + REPEAT_OFFSET_LO] = low32(offset);
    words[word + REPEAT_OFFSET_HI] = high32(offset);
    words[word + REPEAT_TS_LO] = low32(ts);
    words[word + REPEAT_TS_HI] = high32(ts);
  }
}
