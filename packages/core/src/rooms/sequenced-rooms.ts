/**
 * The rooms that the sequencer has open: how they come, are counted, found and let go of, and which of those that are
 * only in the log are forgotten.
 */
import type { ErrorCode } from "@danmakud/wire";
import { NO_TIMER, type ThreadTimers, type TimerKind } from "../timing/index.ts";
import type { BroadcastWriter } from "./broadcast-writer.ts";
import {
  BroadcastKind,
  FORGET_TS_HI,
  FORGET_TS_LO,
  FORGET_WORDS,
  high32,
  low32,
  padded,
} from "./envelope-descriptor.ts";
import { GoneLives } from "./gone-lives.ts";
import { KeyExpiry } from "./key-expiry.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { type ListedRoom, RoomList } from "./room-list.ts";
import { SequencedRoom } from "./sequenced-room.ts";
import type { SequencerOptions } from "./sequencer.ts";
import { settingsFromText } from "./settings.ts";

const encoder = new TextEncoder();

const NOTHING_STORED = { head: 0, ts: 0 } as const;
/** How soon to try again where the broadcast ring is full, or a room's last entry is not on disk. */
const FULL_RETRY_MS = 200;

export class SequencedRooms {
  readonly #options: SequencerOptions;
  readonly #writer: BroadcastWriter;
  readonly #byName = new Map<string, SequencedRoom>();
  readonly #byNumber = new Map<number, SequencedRoom>();
  /** Rooms being forgotten, until the journal has done it: name → position of the entry. */
  readonly #forgetting = new Map<string, number>();
  /** Rooms with entries that were not on disk when last looked at. */
  readonly #undurable = new Set<SequencedRoom>();
  readonly #keyExpiry: KeyExpiry;
  readonly #list: RoomList;
  readonly #timers: ThreadTimers;
  readonly #linger: TimerKind;
  readonly #stats: TimerKind;
  readonly #slow: TimerKind;
  readonly #goneLives: GoneLives<SequencedRoom>;
  #nextNumber = 0;
  /** Rooms that the log knows, plus open rooms that it does not. */
  #known: number;

  constructor(options: SequencerOptions, writer: BroadcastWriter) {
    this.#options = options;
    this.#writer = writer;
    this.#known = options.log.count();
    this.#list = new RoomList(options.log);
    const { timers } = options;
    this.#timers = timers;
    this.#keyExpiry = new KeyExpiry(timers, options.clock, (number) => this.#byNumber.get(number));
    this.#linger = this.#forRoom((room, now) => this.#lingered(room, now));
    this.#stats = this.#forRoom((room, now) => this.#announceStats(room, now));
    this.#slow = this.#forRoom((room, now) => this.#expireSlowMode(room, now));
    this.#goneLives = new GoneLives({
      timers,
      rooms: () => this.#byNumber.values(),
      takeBack: (room, gateway, life) => {
        if (room.takeBack(gateway, life)) this.#counted(room);
      },
    });
    const forget = timers.coarse((_data, now) => {
      timers.set(now + ROOM_LIMITS.forgetIntervalMs, forget, 0);
      this.#forgetUntouched();
    });
    timers.set(timers.now, forget, 0);
  }

  /** Rooms open at present. */
  get size(): number {
    return this.#byName.size;
  }

  /** Open rooms that remember idempotency keys. */
  get withKeys(): number {
    return this.#keyExpiry.size;
  }

  /** The open room with this number. @hot */
  byNumber(number: number): SequencedRoom | undefined {
    return this.#byNumber.get(number);
  }

  byName(name: string): SequencedRoom | undefined {
    return this.#byName.get(name);
  }

  /** Rooms in alphabetical order after `after`: those of the log and those open that it does not know. */
  list(after: string, limit: number): ListedRoom[] {
    const now = this.#options.clock.now();
    return this.#list.page(after, limit, now, this.#byName, (name) => this.#forgetting.has(name));
  }

  /** What goes by the journal's progress and not by the clock; call every 100 ms or so. */
  tick(): void {
    this.#noteDurable();
    for (const [name, position] of this.#forgetting)
      if (this.#isDurable(position)) this.#forgetting.delete(name);
    this.#options.counters.set(METRICS.roomsOpen, this.#byName.size);
  }

  /** Opens a room that is not open; or says why not. */
  enter(name: string, create = true, roomsMax = Number.POSITIVE_INFINITY): SequencedRoom | ErrorCode {
    const stored = this.#forgetting.has(name) ? undefined : this.#options.log.room(name);
    if (stored === undefined) {
      if (!create) return "not_found";
      if (this.#known >= roomsMax) return "overloaded";
      this.#known++;
    }
    const now = this.#options.clock.now();
    const epoch = stored?.epoch ?? this.#options.random.token();
    const touchedAt = this.#timers.now;
    const { head, ts } = stored ?? NOTHING_STORED;
    const room = new SequencedRoom(this.#takeNumber(), name, epoch, head, ts, touchedAt);
    if (stored === undefined) this.#list.opened(name);
    else {
      room.isStored = true;
      room.configure(settingsFromText(this.#options.log.settings(name)), now);
      const since = now - ROOM_LIMITS.keyLifeMs;
      for (const key of this.#options.log.keys(name, since, ROOM_LIMITS.keysPerRoomMax)) {
        this.rememberKey(room, `${key.uid}\n${key.key}`, key.offset, key.ts);
      }
    }
    this.#byName.set(name, room);
    this.#byNumber.set(room.number, room);
    this.#wait(room, touchedAt + this.#lingerMs);
    return room;
  }

  rememberKey(room: SequencedRoom, identity: string, offset: number, ts: number): void {
    room.rememberKey(identity, offset, ts);
    this.#keyExpiry.remembered(room);
  }

  /** Notes that a room has an entry which is not on disk yet. @hot */
  written(room: SequencedRoom): void {
    room.touchedAt = this.#timers.now;
    room.lastPosition = this.#options.broadcast.claimed;
    this.#undurable.add(room);
  }

  /** Somebody wants something of the room: it lingers from now on. */
  touched(room: SequencedRoom): void {
    room.touchedAt = this.#timers.now;
  }

  /** A gateway, in this life of it, has so many viewers in a room now. */
  count(room: SequencedRoom, gateway: number, life: number, viewers: number): void {
    if (room.setViewers(gateway, life, viewers)) this.#counted(room);
  }

  /** Takes back what a gateway had counted in a life that is over, a part of the rooms in each turn. */
  gatewayGone(gateway: number, life: number): void {
    this.#goneLives.add(gateway, life);
  }

  /** Has a danmaku of a user pass the room's slow mode; returns 0, or the ms until it would. */
  tooSoon(room: SequencedRoom, uid: string): number {
    const { now } = this.#timers;
    if (room.slowTimer === NO_TIMER) this.#waitForSlowMode(room, now);
    return room.tooSoon(uid, now);
  }

  /** A number that no open room has; they wrap after 2^32 openings. */
  #takeNumber(): number {
    do this.#nextNumber = (this.#nextNumber + 1) >>> 0;
    while (this.#byNumber.has(this.#nextNumber));
    return this.#nextNumber;
  }

  /** Positions wrap, so they are let go of as soon as they are on disk. */
  #noteDurable(): void {
    for (const room of this.#undurable) {
      if (!this.#isDurable(room.lastPosition)) continue;
      room.lastPosition = undefined;
      if (!room.isStored) this.#list.stored(room.name);
      room.isStored = true;
      this.#undurable.delete(room);
    }
  }

  /** A kind of timers whose data is the number of a room. */
  #forRoom(onDue: (room: SequencedRoom, now: number) => void): TimerKind {
    return this.#options.timers.coarse((number, now) => {
      const room = this.#byNumber.get(number >>> 0);
      if (room !== undefined) onDue(room, now);
    });
  }

  get #lingerMs(): number {
    return this.#options.roomLingerMs + ROOM_LIMITS.lingerMarginMs;
  }

  #wait(room: SequencedRoom, until: number): void {
    room.lingerTimer = this.#timers.set(until, this.#linger, room.number);
  }

  #waitForSlowMode(room: SequencedRoom, now: number): void {
    room.slowTimer = this.#timers.set(now + ROOM_LIMITS.slowLookIntervalMs, this.#slow, room.number);
  }

  #expireSlowMode(room: SequencedRoom, now: number): void {
    room.slowTimer = NO_TIMER;
    if (room.expireSlowMode(now, ROOM_LIMITS.slowUsersPerLookMax)) this.#waitForSlowMode(room, now);
  }

  /** The viewer count of a room has changed. */
  #counted(room: SequencedRoom): void {
    const { now } = this.#timers;
    room.touchedAt = now;
    if (room.statsTimer === NO_TIMER) {
      const at = Math.max(now, room.statsAt + ROOM_LIMITS.statsIntervalMs);
      room.statsTimer = this.#timers.set(at, this.#stats, room.number);
    }
    if (room.online === 0 && room.lingerTimer === NO_TIMER) this.#wait(room, now + this.#lingerMs);
  }

  #announceStats(room: SequencedRoom, now: number): void {
    room.statsTimer = NO_TIMER;
    if (room.statsOnline === room.online) return;
    if (!this.#writer.hasRoom()) {
      room.statsTimer = this.#timers.set(now + FULL_RETRY_MS, this.#stats, room.number);
      return;
    }
    room.statsAt = now;
    room.statsOnline = room.online;
    this.#writer.stats(room.number, room.online);
  }

  /** Lets go of a room without viewers or publishes for the linger time, once all it has is on disk. */
  #lingered(room: SequencedRoom, now: number): void {
    room.lingerTimer = NO_TIMER;
    if (room.online > 0) return;
    const until = room.touchedAt + this.#lingerMs;
    if (now < until) this.#wait(room, until);
    else if (room.lastPosition !== undefined || !this.#writer.hasRoom())
      this.#wait(room, now + FULL_RETRY_MS);
    else this.#letGo(room);
  }

  #letGo(room: SequencedRoom): void {
    this.#byName.delete(room.name);
    this.#byNumber.delete(room.number);
    this.#timers.cancel(room.statsTimer);
    this.#timers.cancel(room.slowTimer);
    this.#keyExpiry.forget(room);
    if (!room.isStored) {
      this.#known--;
      this.#list.closed(room.name);
    }
    this.#writer.closed(room.number);
  }

  #forgetUntouched(): void {
    const { broadcast, clock, log, roomTtlMs } = this.#options;
    const olderThan = clock.now() - roomTtlMs;
    if (olderThan <= 0) return;
    for (const name of log.untouchedSince(olderThan, ROOM_LIMITS.forgetRoomsMax)) {
      if (this.#byName.has(name) || this.#forgetting.has(name)) continue;
      if (!this.#writer.hasRoom()) return;
      const bytes = encoder.encode(name);
      const size = FORGET_WORDS * 4 + padded(bytes.length);
      const at = this.#writer.claim(size, BroadcastKind.forget, 0, undefined, bytes.length);
      broadcast.words[(at >> 2) + FORGET_TS_LO] = low32(olderThan);
      broadcast.words[(at >> 2) + FORGET_TS_HI] = high32(olderThan);
      broadcast.bytes.set(bytes, at + FORGET_WORDS * 4);
      this.#forgetting.set(name, broadcast.claimed);
      this.#known--;
    }
  }

  #isDurable(position: number | undefined): boolean {
    return position === undefined || ((this.#options.durablePosition() - position) | 0) >= 0;
  }
}
