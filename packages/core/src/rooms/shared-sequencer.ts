/**
 * Stands where the sequencer stands in a node of its own, when the log is shared with other nodes: takes what the gateways
 * send, has the shared log order it, and opens and closes rooms. What the log tells goes into the broadcast ring by
 * `SharedStream`. Runs on one thread; the log answers on the same one.
 */
import type { ErrorCode } from "@danmakud/wire";
import type { BroadcastProducer, IngressConsumer } from "../memory/index.ts";
import type {
  Clock,
  Counters,
  SharedLog,
  SharedMessage,
  SharedRoomState,
  SharedSanctionLog,
} from "../ports/index.ts";
import type { ThreadTimers } from "../timing/index.ts";
import { BroadcastWriter, type Origin } from "./broadcast-writer.ts";
import {
  ENVELOPE_BYTES,
  EXEMPT,
  from32,
  IngressKind,
  padded,
  SCHEDULE_AT_WORDS,
} from "./envelope-descriptor.ts";
import { GatewayLife, GatewayLives } from "./gateway-lives.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import type { ListedRoom } from "./room-list.ts";
import { readSanction } from "./sanction-entry.ts";
import { ScheduleAnswers } from "./schedule-answers.ts";
import { parseSettingsPatch, settingsFromText } from "./settings.ts";
import { SharedAppends } from "./shared-appends.ts";
import { identityOf, PendingBatch } from "./shared-batch.ts";
import { SharedDueRooms } from "./shared-due-rooms.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import { SharedLooks } from "./shared-looks.ts";
import { SharedRooms } from "./shared-rooms.ts";
import { SharedSanctionRooms } from "./shared-sanctions.ts";
import { SharedStream } from "./shared-stream.ts";

const decoder = new TextDecoder();

export interface SharedSequencerOptions {
  /** One per gateway, in the gateways' order. */
  readonly ingress: readonly IngressConsumer[];
  readonly broadcast: BroadcastProducer;
  readonly log: SharedLog;
  readonly sanctions: SharedSanctionLog;
  readonly clock: Clock;
  /** Those of the thread, of the same time as `clock`; turned before `turn`. */
  readonly timers: ThreadTimers;
  readonly counters: Counters;
  readonly roomsMax: number;
  readonly roomLingerMs: number;
  /** The log does not answer (with the last cause), or does again (undefined). Called when that changes. */
  readonly onFailing: (cause: Error | undefined) => void;
  /** Something an operator must hear of. */
  readonly onAlarm: (message: string) => void;
  /** What users have published on this node, for the others. The receiver's own bytes. */
  readonly onUsers: (tallies: Uint8Array) => void;
  /** Has `turn` called soon. */
  readonly wake: () => void;
}

export class SharedSequencer {
  readonly #options: SharedSequencerOptions;
  readonly #writer: BroadcastWriter;
  readonly #stream: SharedStream;
  readonly #looks: SharedLooks;
  readonly #appends: SharedAppends;
  readonly #sanctions: SharedSanctionRooms;
  readonly #answers: ScheduleAnswers;
  readonly #due: SharedDueRooms;
  readonly #rooms: SharedRooms;
  readonly #lives: GatewayLives;
  #heardAt: number;
  #lastCause = new Error("the log has not answered yet");
  #isFailing = false;
  /** Answers that are not part of a room's records and wait for room in the ring. */
  readonly #deferred: (() => void)[] = [];

  constructor(options: SharedSequencerOptions) {
    this.#options = options;
    this.#writer = new BroadcastWriter(options.broadcast);
    this.#lives = new GatewayLives(options.ingress.length, (gateway, life) =>
      this.#rooms.gatewayGone(gateway, life),
    );
    this.#heardAt = options.clock.monotonic();
    this.#sanctions = new SharedSanctionRooms({
      log: options.sanctions,
      writer: this.#writer,
      clock: options.clock,
      isOpen: (room) => this.#rooms.byName.has(room),
      onHeard: () => this.heard(),
      onFailure: (cause) => this.failed(cause),
      wake: options.wake,
    });
    this.#rooms = new SharedRooms({
      log: options.log,
      sanctions: this.#sanctions,
      writer: this.#writer,
      clock: options.clock,
      timers: options.timers,
      counters: options.counters,
      roomsMax: options.roomsMax,
      roomLingerMs: options.roomLingerMs,
      onOpening: (room) => this.#looks.opening(room),
      onOpened: (room) => {
        this.#stream.opened(room);
        this.#looks.opened(room);
      },
      onCounted: (room) => this.#looks.by(room, options.clock.monotonic() + SHARED_LIMITS.countWaitMs),
      onForgotten: (room) => {
        this.#looks.forget(room);
        this.#appends.forget(room);
        this.#stream.forget(room);
        this.#answers.forgotten(room);
        this.#sanctions.forget(room.name);
      },
      onFailure: (cause) => this.failed(cause),
      later: (write) => this.#later(write),
    });
    this.#answers = new ScheduleAnswers({
      writer: this.#writer,
      counters: options.counters,
      later: (write) => this.#later(write),
    });
    this.#due = new SharedDueRooms({
      log: options.log,
      clock: options.clock,
      counters: options.counters,
      onHeard: () => this.heard(),
      onFailure: (cause) => this.failed(cause),
      onAlarm: options.onAlarm,
      wake: options.wake,
    });
    this.#stream = new SharedStream({
      log: options.log,
      writer: this.#writer,
      clock: options.clock,
      counters: options.counters,
      answers: this.#answers,
      onMoved: (room) => this.#rooms.moved(room),
      onFailure: (cause) => this.failed(cause),
      wake: options.wake,
    });
    this.#looks = new SharedLooks({
      log: options.log,
      stream: this.#stream,
      clock: options.clock,
      timers: options.timers,
      rooms: this.#rooms,
      onDue: (room, inMs) => this.#due.seen(room.name, inMs),
      wake: options.wake,
      onFailure: (cause) => this.failed(cause),
      onSanctions: (room, revision) => this.#sanctions.looked(room.name, revision),
    });
    this.#appends = new SharedAppends({
      log: options.log,
      stream: this.#stream,
      writer: this.#writer,
      clock: options.clock,
      counters: options.counters,
      answers: this.#answers,
      onScheduled: (room, waiting) => this.#due.changed(room.name, waiting),
      onSettings: (room) => this.#rooms.changed(room),
      onHeard: () => this.heard(),
      onFailure: (cause) => this.failed(cause),
      onAlarm: options.onAlarm,
      later: (write) => this.#later(write),
      wake: options.wake,
    });
  }

  get openRooms(): number {
    return this.#rooms.size;
  }

  /** Whether publishes wait for the log. */
  get isBusy(): boolean {
    return this.#appends.isBusy || this.#stream.waiting > 0;
  }

  /** Whether it may take more from the gateways: the ring has room, not too much waits for the log, and it is known who is banned. */
  canMove(): boolean {
    const { isReady, desk } = this.#sanctions;
    return this.#writer.hasRoom() && this.#appends.hasRoom && isReady && !desk.isBusy;
  }

  /** When `turn` is due although nothing came, monotonic ms. */
  nextDueAt(): number {
    const { clock } = this.#options;
    const { desk } = this.#sanctions;
    // Where the ring is full it is for its readers to move first.
    const sanctionsInMs = desk.isBusy ? 1 : desk.nextAt() - clock.now();
    const sanctionsAt = clock.monotonic() + sanctionsInMs;
    return Math.min(this.#stream.nextDueAt(), this.#appends.nextDueAt(), this.#due.nextDueAt(), sanctionsAt);
  }

  /** Takes what the gateways have sent, at most `entriesPerTurnMax` of each, and sends what is due. @hot bench/redis.ts */
  turn(): boolean {
    let moved = false;
    this.#answerDeferred();
    this.#sanctions.desk.turn(this.#options.clock.now());
    const isFull = this.#stream.turn();
    for (let gateway = 0; gateway < this.#options.ingress.length; gateway++) {
      const ring = this.#options.ingress[gateway] as IngressConsumer;
      let taken = 0;
      while (!isFull && taken < ROOM_LIMITS.entriesPerTurnMax && this.canMove() && ring.next()) {
        this.#entry(gateway, ring);
        taken++;
      }
      if (taken > 0) {
        ring.release();
        moved = true;
      }
    }
    this.#appends.send();
    this.#due.turn();
    this.#options.broadcast.commit();
    return moved;
  }

  /** A message of the log. Takes effect with the next `turn`. */
  receive(message: SharedMessage): void {
    const room = this.#rooms.byName.get(message.room);
    if (room === undefined || room.state === "closed") return;
    // Of nothing: it is news of the room itself.
    if (message.count === 0) this.#looks.news(room);
    else this.#stream.message(room, message);
  }

  /** The log's word that what waited in a room under this number was taken back. Takes effect with the next `turn`. */
  cancelled(name: string, scheduled: number): void {
    const room = this.#rooms.byName.get(name);
    if (room !== undefined) this.#answers.cancelled(room, scheduled, undefined);
  }

  /** Leaves what comes due to other nodes. */
  stop(onDone: () => void): void {
    this.#due.stop(onDone);
  }

  /** Messages may have been missed: asks for the state of every room, in ticks to come. */
  doubt(): void {
    this.#looks.doubt();
  }

  /** The log has taken something: a log that only can be read does not count as one. */
  heard(): void {
    this.#heardAt = this.#options.clock.monotonic();
    if (this.#isFailing) this.#setFailing(undefined);
  }

  /** The log did not answer. */
  failed(cause: Error): void {
    this.#lastCause = cause;
  }

  /** Work by the clock. Call every 100 ms or so. */
  tick(): void {
    const { clock, counters } = this.#options;
    const now = clock.monotonic();
    if (!this.#isFailing && now - this.#heardAt > SHARED_LIMITS.failingAfterMs)
      this.#setFailing(this.#lastCause);
    this.#looks.tick();
    this.#due.tick(now);
    this.#sanctions.tick();
    this.#appends.giveUpWaiting(now);
    this.#rooms.tick();
    counters.set(METRICS.roomsOpen, this.#rooms.size);
    counters.set(METRICS.sanctions, this.#sanctions.desk.held.size);
    this.#options.broadcast.commit();
  }

  /** Takes back what a dead gateway had counted, in turns to come. */
  gatewayGone(gateway: number): void {
    this.#lives.end(gateway);
  }

  /** A room as it is listed; undefined where the log has none of that name, an error where it does not say. */
  async describe(name: string): Promise<ListedRoom | undefined | Error> {
    const state = await new Promise<SharedRoomState | undefined | Error>((resolve) => {
      this.#options.log.look(name, undefined, resolve);
    });
    if (state === undefined || state instanceof Error) return state;
    const open = this.#rooms.byName.get(name);
    const now = this.#options.clock.now();
    const { epoch, head, online, settings } = state;
    return {
      room: name,
      epoch,
      head,
      online,
      rate: open?.rate(now) ?? 0,
      sampledRate: open?.sampledRate(now) ?? 0,
      settings: settingsFromText(settings),
    };
  }

  #entry(gateway: number, ring: IngressConsumer): void {
    const at = ring.index >> 2;
    const word0 = ring.words[at] as number;
    const incarnation = (word0 >>> 8) & 0xff;
    const extra = word0 >>> 16;
    const life = this.#lives.heard(gateway, incarnation);
    if (life === GatewayLife.fresh)
      this.#sanctions.desk.tellSite({ gateway, incarnation, ticket: 0 }, this.#options.clock.now());
    const ticket = ring.words[at + 1] as number;
    const third = (ring.words[at + 2] as number) >>> 0;
    switch (word0 & 0xff) {
      case IngressKind.publish:
        this.#publish(third, extra, ring, gateway, incarnation, ticket);
        return;
      case IngressKind.settings:
        this.#configure(third, extra, ring, { gateway, incarnation, ticket });
        return;
      case IngressKind.sanction:
        this.#sanctions.impose(readSanction(ring, ring.index), { gateway, incarnation, ticket });
        return;
      case IngressKind.schedule:
        this.#schedule(third, extra, ring, { gateway, incarnation, ticket });
        return;
      case IngressKind.unschedule:
        this.#unschedule(third, ring.words[at + 3] as number, { gateway, incarnation, ticket });
        return;
      case IngressKind.open: {
        const from = ring.index + ENVELOPE_BYTES;
        const name = decoder.decode(ring.bytes.slice(from, from + extra));
        const origin = { gateway, incarnation, ticket };
        if (third === 1) this.#rooms.open(name, origin);
        else this.#peek(name, origin);
        return;
      }
      case IngressKind.count: {
        const room = this.#rooms.get(third);
        if (room?.number === third && life !== GatewayLife.gone)
          this.#rooms.count(room, gateway, incarnation, ring.words[at + 3] as number);
        return;
      }
      case IngressKind.users: {
        const from = ring.index + ENVELOPE_BYTES;
        this.#options.onUsers(ring.bytes.slice(from, from + extra));
        return;
      }
      default:
        throw new Error(`unknown ingress entry of kind ${word0 & 0xff}`);
    }
  }

  #publish(
    number: number,
    keyBytes: number,
    ring: IngressConsumer,
    gateway: number,
    incarnation: number,
    ticket: number,
  ): void {
    const room = this.#rooms.get(number);
    const now = this.#options.clock.monotonic();
    const batch = room?.filling(now);
    if (room === undefined || batch === undefined) {
      // A gateway holds a number only while the room is open; should it ever not be, the publisher tries again.
      const code: ErrorCode = room === undefined || this.#isFailing ? "unavailable" : "overloaded";
      this.#writer.reject({ gateway, incarnation, ticket }, code);
      return;
    }
    const payload = ring.index + ENVELOPE_BYTES;
    const record = payload + padded(keyBytes);
    const identity =
      keyBytes === 0
        ? ""
        : identityOf(ring.bytes, record, decoder.decode(ring.bytes.slice(payload, payload + keyBytes)));
    const stride = ring.index + ring.length - record;
    // Another node may have given the room a slow mode by now: whom that would bind goes with each batch.
    const isBound = ring.words[(ring.index >> 2) + 3] !== EXEMPT;
    batch.add(ring.words, record >> 2, stride, gateway, incarnation, ticket, identity, isBound);
    this.#appends.added(room, stride);
    room.touchedAt = now;
  }

  /** Has a danmaku wait for its time. */
  #schedule(number: number, keyBytes: number, ring: IngressConsumer, origin: Origin): void {
    const room = this.#rooms.get(number);
    const now = this.#options.clock.monotonic();
    const word = (ring.index + ENVELOPE_BYTES) >> 2;
    const payload = ring.index + ENVELOPE_BYTES + SCHEDULE_AT_WORDS * 4;
    const record = payload + padded(keyBytes);
    const stride = ring.index + ring.length - record;
    const batch = this.#due.isFull(stride) ? undefined : room?.filling(now, "schedule");
    if (room === undefined || batch === undefined) {
      const code: ErrorCode = room === undefined || this.#isFailing ? "unavailable" : "overloaded";
      this.#writer.reject(origin, code);
      return;
    }
    const key = decoder.decode(ring.bytes.slice(payload, payload + keyBytes));
    const identity = keyBytes === 0 ? "" : identityOf(ring.bytes, record, key);
    const { gateway, incarnation, ticket } = origin;
    batch.add(ring.words, record >> 2, stride, gateway, incarnation, ticket, identity, false);
    batch.waitsUntil(from32(ring.words[word] as number, ring.words[word + 1] as number));
    this.#appends.added(room, stride);
    room.touchedAt = now;
  }

  #unschedule(number: number, scheduled: number, origin: Origin): void {
    const room = this.#rooms.get(number);
    if (room === undefined || room.batches.length >= SHARED_LIMITS.batchesPerRoomMax) {
      this.#writer.reject(origin, "unavailable");
      return;
    }
    const batch = new PendingBatch(this.#options.clock.monotonic(), "schedule");
    batch.cancel = { origin, scheduled };
    room.batches.push(batch);
    this.#appends.added(room, 0);
  }

  #configure(number: number, patchBytes: number, ring: IngressConsumer, origin: Origin): void {
    const room = this.#rooms.get(number);
    if (room === undefined || room.batches.length >= SHARED_LIMITS.batchesPerRoomMax) {
      this.#writer.reject(origin, "unavailable");
      return;
    }
    const payload = ring.index + ENVELOPE_BYTES;
    const patch = parseSettingsPatch(
      JSON.parse(decoder.decode(ring.bytes.slice(payload, payload + patchBytes))),
    );
    const batch = new PendingBatch(this.#options.clock.monotonic());
    batch.settings = { origin, patch };
    room.batches.push(batch);
    this.#appends.added(room, 0);
  }

  /** Tells of a room without opening it here. */
  #peek(name: string, origin: Origin): void {
    const answer = (found: ListedRoom | undefined | Error, visibleHead?: number | Error) => {
      this.#later(() => {
        if (found === undefined) this.#writer.refuse(origin, "not_found");
        else if (found instanceof Error || visibleHead instanceof Error)
          this.#writer.refuse(origin, "unavailable");
        else this.#writer.room({ ...found, name, number: 0, visibleHead }, origin);
      });
    };
    this.describe(name).then((found) => {
      if (found === undefined || found instanceof Error || found.settings.delayMs === 0) answer(found);
      else {
        const { head, settings } = found;
        this.#options.log.visibleHead(name, head, settings.delayMs, (visible) => answer(found, visible));
      }
    });
  }

  #setFailing(cause: Error | undefined): void {
    this.#isFailing = cause !== undefined;
    this.#options.counters.set(METRICS.logFailing, this.#isFailing ? 1 : 0);
    this.#options.onFailing(cause);
  }

  /** Writes an answer once the ring has room for it. */
  #later(write: () => void): void {
    this.#deferred.push(write);
    this.#options.wake();
  }

  #answerDeferred(): void {
    let done = 0;
    while (done < this.#deferred.length && this.#writer.hasRoom()) this.#deferred[done++]?.();
    if (done > 0) this.#deferred.splice(0, done);
  }
}
