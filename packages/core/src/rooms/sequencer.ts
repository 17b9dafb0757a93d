/**
 * The one writer of every room: gives each record its offset and timestamp, and sends it to all readers by the
 * broadcast ring. Runs on the sequencer thread and owns the rooms; nobody else changes them.
 */
import {
  danmakuClass,
  danmakuUid,
  type ErrorCode,
  markSampled,
  OFFSET_MAX,
  patchLogRecord,
} from "@danmakud/wire";
import type { BroadcastProducer, IngressConsumer } from "../memory/index.ts";
import type { Clock, Counters, Random, RoomLogReader, Sanction } from "../ports/index.ts";
import type { ThreadTimers } from "../timing/index.ts";
import { BroadcastWriter } from "./broadcast-writer.ts";
import {
  BroadcastKind,
  ENVELOPE_BYTES,
  EXEMPT,
  from32,
  IngressKind,
  NO_ORIGIN,
  padded,
  SCHEDULE_AT_WORDS,
  SCHEDULED_WORDS,
} from "./envelope-descriptor.ts";
import { GatewayLife, GatewayLives } from "./gateway-lives.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import type { ListedRoom } from "./room-list.ts";
import { SanctionDesk } from "./sanction-desk.ts";
import { readSanction } from "./sanction-entry.ts";
import type { SequencedRoom } from "./sequenced-room.ts";
import { SequencedRooms } from "./sequenced-rooms.ts";
import { mergeSettings, parseSettingsPatch } from "./settings.ts";
import { WaitingDanmaku } from "./waiting-danmaku.ts";
import { copyWords } from "./words.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export interface SequencerOptions {
  /** One per gateway, in the gateways' order. */
  readonly ingress: readonly IngressConsumer[];
  readonly broadcast: BroadcastProducer;
  readonly log: RoomLogReader;
  readonly clock: Clock;
  /** The thread's timers. Its loop turns them, before the sequencer. */
  readonly timers: ThreadTimers;
  readonly random: Random;
  readonly counters: Counters;
  /** Position in the broadcast ring up to which the journal has committed. */
  readonly durablePosition: () => number;
  readonly roomsMax: number;
  readonly roomTtlMs: number;
  readonly roomLingerMs: number;
}

export class Sequencer {
  readonly #options: SequencerOptions;
  readonly #rooms: SequencedRooms;
  /** Danmaku that wait for their time. */
  readonly #waiting: WaitingDanmaku;
  readonly #sanctions: SanctionDesk;
  readonly #lives: GatewayLives;
  /** Who sent the entry under way, and under which number the answer goes back. */
  readonly #origin = { gateway: NO_ORIGIN, incarnation: 0, ticket: 0 };
  readonly #writer: BroadcastWriter;

  constructor(options: SequencerOptions) {
    this.#options = options;
    this.#writer = new BroadcastWriter(options.broadcast);
    this.#lives = new GatewayLives(options.ingress.length, (gateway, life) =>
      this.#rooms.gatewayGone(gateway, life),
    );
    this.#rooms = new SequencedRooms(options, this.#writer);
    const { log, clock } = options;
    this.#waiting = new WaitingDanmaku(clock.now(), log.lastScheduled(), log.allScheduled());
    this.#sanctions = new SanctionDesk(this.#writer, clock.now(), log.allSanctions());
  }

  /**
   * Handles what the gateways have sent, at most `entriesPerTurnMax` of each. Returns whether anything moved. Where the
   * broadcast ring is full it leaves the rest where it is: that is the back-pressure.
   * @hot bench/ingest.ts
   */
  turn(): boolean {
    const { ingress, broadcast } = this.#options;
    let moved = this.#sanctions.turn(this.#options.clock.now());
    if (this.#waiting.size > 0 && this.#deliverWaiting()) moved = true;
    for (let gateway = 0; gateway < ingress.length; gateway++) {
      const ring = ingress[gateway] as IngressConsumer;
      let taken = 0;
      while (taken < ROOM_LIMITS.entriesPerTurnMax && this.canMove() && ring.next()) {
        this.#entry(gateway, ring);
        taken++;
      }
      if (taken > 0) {
        ring.release();
        moved = true;
      }
    }
    // Timers write too, before the turn.
    if (broadcast.claimed === broadcast.position) return moved;
    broadcast.commit();
    return true;
  }

  /** Rooms open at present. */
  get openRooms(): number {
    return this.#rooms.size;
  }

  /** Open rooms that remember idempotency keys. */
  get roomsWithKeys(): number {
    return this.#rooms.withKeys;
  }

  /** Danmaku that wait for their time. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Mutes and bans that hold. */
  get sanctions(): number {
    return this.#sanctions.held.size;
  }

  /** How many of them are due already: after a start, those whose time came while the node was down. */
  overdue(): number {
    return this.#waiting.overdue(this.#options.clock.now());
  }

  /** In how many ms the next scheduled danmaku or end of a mute is due, by the clock of now; infinite where none is. */
  get nextDueInMs(): number {
    return Math.min(this.#waiting.nextAt(), this.#sanctions.nextAt()) - this.#options.clock.now();
  }

  /** Whether the broadcast ring has room, and what comes first was written. */
  canMove(): boolean {
    return this.#writer.hasRoom() && !this.#sanctions.isBusy;
  }

  /** Work that need not be done in every turn. Call every 100 ms or so. */
  tick(): void {
    this.#rooms.tick();
    this.#options.counters.set(METRICS.scheduledWaiting, this.#waiting.size);
    this.#options.counters.set(METRICS.sanctions, this.#sanctions.held.size);
    this.#options.broadcast.commit();
  }

  /** Takes back what a dead gateway had counted, in turns to come. */
  gatewayGone(gateway: number): void {
    this.#lives.end(gateway);
  }

  /** Rooms in alphabetical order after `after`: those of the log and those open that it does not know. */
  list(after: string, limit: number): ListedRoom[] {
    return this.#rooms.list(after, limit);
  }

  #entry(gateway: number, ring: IngressConsumer): void {
    const at = ring.index >> 2;
    const word0 = ring.words[at] as number;
    const kind = word0 & 0xff;
    const incarnation = (word0 >>> 8) & 0xff;
    const extra = word0 >>> 16;
    this.#origin.gateway = gateway;
    this.#origin.incarnation = incarnation;
    this.#origin.ticket = ring.words[at + 1] as number;
    const life = this.#lives.heard(gateway, incarnation);
    if (life === GatewayLife.fresh) this.#sanctions.tellSite(this.#origin, this.#options.clock.now());
    const third = (ring.words[at + 2] as number) >>> 0;
    switch (kind) {
      case IngressKind.publish:
        this.#publish(third, extra, ring);
        return;
      case IngressKind.settings:
        this.#configure(third, extra, ring);
        return;
      case IngressKind.schedule:
        this.#schedule(third, extra, ring);
        return;
      case IngressKind.unschedule:
        this.#unschedule(ring.words[at + 3] as number);
        return;
      case IngressKind.sanction:
        this.#sanction(readSanction(ring, ring.index));
        return;
      case IngressKind.open: {
        const from = ring.index + ENVELOPE_BYTES;
        this.#open(decoder.decode(ring.bytes.slice(from, from + extra)), third === 1);
        return;
      }
      case IngressKind.count: {
        const room = this.#rooms.byNumber(third);
        if (room !== undefined && life !== GatewayLife.gone)
          this.#rooms.count(room, gateway, incarnation, ring.words[at + 3] as number);
        return;
      }
      default:
        throw new Error(`unknown ingress entry of kind ${kind}`);
    }
  }

  #publish(number: number, keyBytes: number, ring: IngressConsumer): void {
    const room = this.#rooms.byNumber(number);
    // A gateway holds a room's number only while the room is open; should it ever not be, the publisher tries again.
    if (room === undefined) {
      this.#reject("unavailable");
      return;
    }
    if (room.head >= OFFSET_MAX) {
      this.#reject("overloaded");
      return;
    }
    const { broadcast, clock } = this.#options;
    const now = clock.now();
    const payload = ring.index + ENVELOPE_BYTES;
    const record = payload + padded(keyBytes);
    let identity = "";
    if (keyBytes > 0) {
      identity = keyIdentity(ring.bytes, record, payload, keyBytes);
      if (this.#answerRepeat(room, identity, now)) return;
    }
    if (room.hasSlowMode && ring.words[(ring.index >> 2) + 3] !== EXEMPT) {
      const retryAfterMs = this.#rooms.tooSoon(room, danmakuUid(ring.bytes, record));
      if (retryAfterMs > 0) {
        this.#reject("rate_limited", retryAfterMs);
        return;
      }
    }
    const at = this.#answer(ring.length, BroadcastKind.record, number, keyBytes);
    const body = at + ENVELOPE_BYTES;
    copyWords(ring.words, payload >> 2, broadcast.words, body >> 2, (ring.length - ENVELOPE_BYTES) >> 2);
    this.#place(room, body + padded(keyBytes), now);
    if (keyBytes > 0) this.#rooms.rememberKey(room, identity, room.head, room.ts);
  }

  /** Gives the record at `at` of the broadcast ring the room's next offset. @hot bench/ingest.ts */
  #place(room: SequencedRoom, at: number, now: number): void {
    const { broadcast, counters } = this.#options;
    room.advance(now);
    patchLogRecord(broadcast.bytes, at, room.head, room.ts);
    if (room.leavesOut(danmakuClass(broadcast.bytes, at), now)) {
      markSampled(broadcast.bytes, at);
      counters.add(METRICS.sampled, 1);
    }
    this.#rooms.written(room);
    counters.add(METRICS.sequenced, 1);
  }

  /** Answers a publish or schedule whose key was seen before as the first one was; false where it is new. */
  #answerRepeat(room: SequencedRoom, identity: string, now: number): boolean {
    const first = room.keys?.find(identity, now - ROOM_LIMITS.keyLifeMs);
    if (first !== undefined) {
      this.#writer.repeat(room.number, this.#origin, first.offset, first.ts);
      this.#options.counters.add(METRICS.repeats, 1);
      return true;
    }
    const waiting = this.#waiting.size === 0 ? undefined : this.#waiting.find(room.name, identity);
    if (waiting === undefined) return false;
    const at = this.#answer(SCHEDULED_WORDS * 4, BroadcastKind.scheduledRepeat, room.number);
    this.#writer.putScheduled(at, waiting.number, waiting.deliverAt, waiting.number);
    this.#options.counters.add(METRICS.repeats, 1);
    return true;
  }

  /** Has a danmaku wait for its time. */
  #schedule(number: number, keyBytes: number, ring: IngressConsumer): void {
    const room = this.#rooms.byNumber(number);
    if (room === undefined) {
      this.#reject("unavailable");
      return;
    }
    const { broadcast, clock, counters } = this.#options;
    const now = clock.now();
    const word = (ring.index + ENVELOPE_BYTES) >> 2;
    const deliverAt = from32(ring.words[word] as number, ring.words[word + 1] as number);
    const payload = ring.index + ENVELOPE_BYTES + SCHEDULE_AT_WORDS * 4;
    const recordAt = payload + padded(keyBytes);
    if (keyBytes > 0 && this.#answerRepeat(room, keyIdentity(ring.bytes, recordAt, payload, keyBytes), now))
      return;
    const record = ring.bytes.slice(recordAt, ring.index + ring.length);
    const refusal = this.#waiting.refusal(room.name, record.length);
    if (refusal !== undefined) {
      this.#reject(refusal);
      return;
    }
    const key = decoder.decode(ring.bytes.slice(payload, payload + keyBytes));
    const scheduled = this.#waiting.add(room.name, deliverAt, key, record);
    const bytes = SCHEDULED_WORDS * 4 + padded(keyBytes) + record.length;
    const at = this.#answer(bytes, BroadcastKind.scheduled, number, keyBytes);
    this.#writer.putScheduled(at, scheduled, deliverAt, scheduled);
    broadcast.bytes.set(ring.bytes.subarray(payload, recordAt), at + SCHEDULED_WORDS * 4);
    broadcast.bytes.set(record, at + SCHEDULED_WORDS * 4 + padded(keyBytes));
    this.#rooms.touched(room);
    counters.add(METRICS.scheduled, 1);
  }

  #unschedule(scheduled: number): void {
    if (!this.#waiting.cancel(scheduled)) {
      this.#reject("not_found");
      return;
    }
    this.#writer.unscheduled(scheduled, this.#origin);
    this.#options.counters.add(METRICS.scheduledCancelled, 1);
  }

  /** Puts what is due into the log, in order of time; a bounded part of it. Returns whether there was any. */
  #deliverWaiting(): boolean {
    const { broadcast, clock, counters } = this.#options;
    const now = clock.now();
    for (let delivered = 0; ; delivered++) {
      const waiting = this.#waiting.due(now);
      if (waiting === undefined || delivered >= ROOM_LIMITS.entriesPerTurnMax) return delivered > 0;
      if (!this.#writer.hasRoom()) return delivered > 0;
      const { number, deliverAt, key, record } = waiting;
      let room = this.#rooms.byName(waiting.room);
      if (room === undefined) {
        // What was accepted is delivered, however many rooms there are.
        room = this.#rooms.enter(waiting.room) as SequencedRoom;
        this.#announceRoom(room, false);
        if (!this.#writer.hasRoom()) return true;
      }
      const keyBytes = encoder.encode(key);
      const bytes = ENVELOPE_BYTES + padded(keyBytes.length) + record.length;
      const at = this.#announce(bytes, BroadcastKind.record, room.number, keyBytes.length);
      broadcast.words[(at >> 2) + 1] = number;
      broadcast.bytes.set(keyBytes, at + ENVELOPE_BYTES);
      const copy = at + ENVELOPE_BYTES + padded(keyBytes.length);
      broadcast.bytes.set(record, copy);
      this.#waiting.delivered();
      this.#place(room, copy, now);
      if (key !== "") this.#rooms.rememberKey(room, `${danmakuUid(record, 0)}\n${key}`, room.head, room.ts);
      counters.add(METRICS.scheduledDelivered, 1);
      if (now - deliverAt > ROOM_LIMITS.scheduledLateMs) counters.add(METRICS.scheduledLate, 1);
    }
  }

  /** Changes a room's settings and tells everybody, the journal above all. */
  #configure(number: number, patchBytes: number, ring: IngressConsumer): void {
    const room = this.#rooms.byNumber(number);
    if (room === undefined) {
      this.#reject("unavailable");
      return;
    }
    const payload = ring.index + ENVELOPE_BYTES;
    const patch = JSON.parse(decoder.decode(ring.bytes.slice(payload, payload + patchBytes)));
    const now = this.#options.clock.now();
    room.configure(mergeSettings(room.settings, parseSettingsPatch(patch)), now);
    room.touch(now);
    this.#writer.settings(number, this.#origin, room.head, room.ts, room.settings);
    this.#rooms.written(room);
  }

  #open(name: string, create: boolean): void {
    const room = this.#rooms.byName(name) ?? this.#rooms.enter(name, create, this.#options.roomsMax);
    if (typeof room === "string") {
      this.#writer.refuse(this.#origin, room);
      return;
    }
    const now = this.#options.clock.now();
    this.#rooms.touched(room);
    // Whoever only looks lets nobody in.
    if (!create) this.#announceRoom(room);
    else this.#sanctions.tell(name, this.#origin, now, () => this.#announceRoom(room));
  }

  /** Imposes or lifts a mute or ban and tells everybody, the journal above all. */
  #sanction(sanction: Sanction): void {
    const refusal = this.#sanctions.refusal(sanction);
    if (refusal !== undefined) {
      this.#reject(refusal);
      return;
    }
    this.#sanctions.held.put(sanction);
    this.#sanctions.changed(sanction, this.#origin);
  }

  /** Tells of an open room: who has asked, and the journal, which needs to know its name. */
  #announceRoom(room: SequencedRoom, isAnswer = true): void {
    const { number, name, epoch, head, online, settings } = room;
    const now = this.#options.clock.now();
    const rates = { rate: room.rate(now), sampledRate: room.sampledRate(now) };
    const origin = isAnswer ? this.#origin : undefined;
    this.#writer.room({ number, name, epoch, head, online, settings, ...rates }, origin);
  }

  /** Answers a publish with an error. */
  #reject(code: ErrorCode, retryAfterMs = 0): void {
    this.#writer.reject(this.#origin, code, retryAfterMs);
  }

  /** Takes room for an entry that answers the one under way. */
  #answer(bytes: number, kind: number, number: number, extra = 0): number {
    return this.#writer.claim(bytes, kind, number, this.#origin, extra);
  }

  /** Takes room for an entry that answers nobody. */
  #announce(bytes: number, kind: number, number: number, extra = 0): number {
    return this.#writer.claim(bytes, kind, number, undefined, extra);
  }
}

/** Who and which key: the uid bytes of the danmaku record, then the key. */
function keyIdentity(bytes: Uint8Array, record: number, key: number, keyBytes: number): string {
  const uid = danmakuUid(bytes, record);
  return `${uid}\n${decoder.decode(bytes.slice(key, key + keyBytes))}`;
}
