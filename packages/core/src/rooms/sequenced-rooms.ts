/**
 * The rooms that the sequencer has open: how they come, are counted, found and let go of, and which of those that are
 * only in the log are forgotten.
 */
import type { ErrorCode } from "@danmakud/wire";
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
import { KeyExpiry } from "./key-expiry.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { type ListedRoom, RoomList } from "./room-list.ts";
import { SequencedRoom } from "./sequenced-room.ts";
import type { SequencerOptions } from "./sequencer.ts";
import { settingsFromText } from "./settings.ts";

const encoder = new TextEncoder();

export class SequencedRooms {
  readonly #options: SequencerOptions;
  readonly #writer: BroadcastWriter;
  readonly #byName = new Map<string, SequencedRoom>();
  readonly #byNumber = new Map<number, SequencedRoom>();
  /** Rooms whose viewer count changed since it was last announced, oldest first. */
  readonly #statsDue = new Set<SequencedRoom>();
  /** Rooms without viewers: they may be let go. */
  readonly #idle = new Set<SequencedRoom>();
  /** Rooms being forgotten, until the journal has done it: name → position of the entry. */
  readonly #forgetting = new Map<string, number>();
  /** Rooms with entries that were not on disk when last looked at. */
  readonly #undurable = new Set<SequencedRoom>();
  readonly #keyExpiry = new KeyExpiry();
  readonly #list: RoomList;
  #nextNumber = 0;
  /** Rooms that the log knows, plus open rooms that it does not. */
  #known: number;
  #forgetAt = 0;

  constructor(options: SequencerOptions, writer: BroadcastWriter) {
    this.#options = options;
    this.#writer = writer;
    this.#known = options.log.count();
    this.#list = new RoomList(options.log);
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

  /** Work by the clock; call every 100 ms or so. */
  tick(now: number): void {
    this.#noteDurable();
    this.#announceStats(now);
    this.#letGoIdle(now);
    this.#keyExpiry.tick(now - ROOM_LIMITS.keyLifeMs);
    if (now >= this.#forgetAt) {
      this.#forgetAt = now + ROOM_LIMITS.forgetIntervalMs;
      this.#forgetUntouched(now);
    }
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
    const room = new SequencedRoom(this.#takeNumber(), name, epoch, stored?.head ?? 0, stored?.ts ?? 0, now);
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
    this.#idle.add(room);
    return room;
  }

  rememberKey(room: SequencedRoom, identity: string, offset: number, ts: number): void {
    room.rememberKey(identity, offset, ts);
    this.#keyExpiry.remembered(room);
  }

  /** Notes that a room has an entry which is not on disk yet. @hot */
  written(room: SequencedRoom): void {
    room.lastPosition = this.#options.broadcast.claimed;
    this.#undurable.add(room);
  }

  /** A gateway has so many viewers in a room now. */
  count(room: SequencedRoom, gateway: number, viewers: number): void {
    if (!room.setViewers(gateway, viewers)) return;
    room.touchedAt = this.#options.clock.now();
    this.#statsDue.add(room);
    if (room.online === 0) this.#idle.add(room);
  }

  /** Takes back what a dead gateway had counted. */
  gatewayGone(gateway: number): void {
    for (const room of this.#byName.values()) this.count(room, gateway, 0);
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

  #announceStats(now: number): void {
    for (const room of this.#statsDue) {
      if (now - room.statsAt < ROOM_LIMITS.statsIntervalMs) continue;
      if (!this.#writer.hasRoom()) return;
      this.#statsDue.delete(room);
      if (room.statsOnline === room.online || this.#byNumber.get(room.number) !== room) continue;
      room.statsAt = now;
      room.statsOnline = room.online;
      this.#writer.stats(room.number, room.online);
    }
  }

  /** Lets go of rooms without viewers or publishes for the linger time, once all they have is on disk. */
  #letGoIdle(now: number): void {
    let looked = 0;
    for (const room of this.#idle) {
      if (looked++ >= ROOM_LIMITS.entriesPerTurnMax || !this.#writer.hasRoom()) return;
      this.#idle.delete(room);
      if (room.online > 0) continue;
      if (
        now - room.touchedAt < this.#options.roomLingerMs + ROOM_LIMITS.lingerMarginMs ||
        room.lastPosition !== undefined
      ) {
        // Back to the end, so that the next tick looks at others first.
        this.#idle.add(room);
        continue;
      }
      this.#byName.delete(room.name);
      this.#byNumber.delete(room.number);
      this.#statsDue.delete(room);
      this.#keyExpiry.forget(room);
      if (!room.isStored) {
        this.#known--;
        this.#list.closed(room.name);
      }
      this.#writer.closed(room.number);
    }
  }

  #forgetUntouched(now: number): void {
    const olderThan = now - this.#options.roomTtlMs;
    if (olderThan <= 0) return;
    const { broadcast, log } = this.#options;
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
