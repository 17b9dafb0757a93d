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
import { BroadcastWriter, type Origin } from "./broadcast-writer.ts";
import { ENVELOPE_BYTES, IngressKind, padded } from "./envelope-descriptor.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import type { ListedRoom } from "./room-list.ts";
import { readSanction } from "./sanction-entry.ts";
import { parseSettingsPatch, settingsFromText } from "./settings.ts";
import { SharedAppends } from "./shared-appends.ts";
import { identityOf, PendingBatch } from "./shared-batch.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import { CLAIM, SharedLooks } from "./shared-looks.ts";
import { SharedRoom } from "./shared-room.ts";
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
  readonly #byName = new Map<string, SharedRoom>();
  /** Also by numbers that the rooms had before. */
  readonly #byNumber = new Map<number, SharedRoom>();
  readonly #sanctions: SharedSanctionRooms;
  readonly #incarnations: number[];
  #nextNumber = 0;
  #heardAt: number;
  #lastCause = new Error("the log has not answered yet");
  #isFailing = false;
  /** Answers that are not part of a room's records and wait for room in the ring. */
  readonly #deferred: (() => void)[] = [];

  constructor(options: SharedSequencerOptions) {
    this.#options = options;
    this.#writer = new BroadcastWriter(options.broadcast);
    this.#incarnations = options.ingress.map(() => -1);
    this.#heardAt = options.clock.monotonic();
    this.#stream = new SharedStream({
      log: options.log,
      writer: this.#writer,
      clock: options.clock,
      counters: options.counters,
      onMoved: (room) => this.#moved(room),
      onFailure: (cause) => this.failed(cause),
    });
    this.#looks = new SharedLooks({
      log: options.log,
      stream: this.#stream,
      clock: options.clock,
      wake: options.wake,
      onFailure: (cause) => this.failed(cause),
      onSanctions: (room, revision) => this.#sanctions.looked(room.name, revision),
    });
    this.#sanctions = new SharedSanctionRooms({
      log: options.sanctions,
      writer: this.#writer,
      clock: options.clock,
      isOpen: (room) => this.#byName.has(room),
      onHeard: () => this.heard(),
      onFailure: (cause) => this.failed(cause),
      wake: options.wake,
    });
    this.#appends = new SharedAppends({
      log: options.log,
      stream: this.#stream,
      writer: this.#writer,
      clock: options.clock,
      counters: options.counters,
      onHeard: () => this.heard(),
      onFailure: (cause) => this.failed(cause),
      onAlarm: options.onAlarm,
      later: (write) => this.#later(write),
      wake: options.wake,
    });
  }

  get openRooms(): number {
    return this.#byName.size;
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
    return Math.min(this.#stream.nextDueAt(), this.#appends.nextDueAt(), sanctionsAt);
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
    this.#options.broadcast.commit();
    return moved;
  }

  /** A message of the log. Takes effect with the next `turn`. */
  receive(message: SharedMessage): void {
    const room = this.#byName.get(message.room);
    if (room === undefined || room.state === "closed") return;
    if (message.count === 0) {
      // Nothing but news of the room itself.
      room.lookAt = 0;
      room.hasNews = true;
      this.#looks.look(room, this.#byName.size);
    } else this.#stream.message(room, message);
  }

  /** Messages may have been missed: asks for the state of every room. */
  doubt(): void {
    for (const room of this.#byName.values()) {
      room.lookAt = 0;
      room.isDoubted = true;
    }
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
    this.#looks.around(this.#byName, now);
    this.#sanctions.tick();
    this.#appends.giveUpWaiting(now);
    for (const room of this.#byName.values()) {
      if (!this.#writer.hasRoom()) break;
      this.#announceStats(room, now);
      if (room.state === "open" && room.viewers === 0 && room.batches.length === 0)
        this.#letGoIdle(room, now);
    }
    counters.set(METRICS.roomsOpen, this.#byName.size);
    counters.set(METRICS.sanctions, this.#sanctions.desk.held.size);
    this.#options.broadcast.commit();
  }

  /** Takes back what a dead gateway had counted. */
  gatewayGone(gateway: number): void {
    this.#incarnations[gateway] = -1;
    for (const room of this.#byName.values()) this.#count(room, gateway, 0);
  }

  /** A room as it is listed; undefined where the log has none of that name, an error where it does not say. */
  async describe(name: string): Promise<ListedRoom | undefined | Error> {
    const state = await new Promise<SharedRoomState | undefined | Error>((resolve) => {
      this.#options.log.look(name, undefined, resolve);
    });
    if (state === undefined || state instanceof Error) return state;
    const open = this.#byName.get(name);
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
    if (this.#incarnations[gateway] !== incarnation) {
      if (this.#incarnations[gateway] !== -1) this.gatewayGone(gateway);
      this.#incarnations[gateway] = incarnation;
      this.#sanctions.desk.tellSite({ gateway, incarnation, ticket: 0 }, this.#options.clock.now());
    }
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
      case IngressKind.open: {
        const from = ring.index + ENVELOPE_BYTES;
        const name = decoder.decode(ring.bytes.slice(from, from + extra));
        const origin = { gateway, incarnation, ticket };
        if (third === 1) this.#open(name, origin);
        else this.#peek(name, origin);
        return;
      }
      case IngressKind.count: {
        const room = this.#byNumber.get(third);
        if (room?.number === third) this.#count(room, gateway, ring.words[at + 3] as number);
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
    const room = this.#byNumber.get(number);
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
    batch.add(ring.words, record >> 2, stride, gateway, incarnation, ticket, identity);
    this.#appends.added(room, stride);
    room.touchedAt = now;
  }

  #configure(number: number, patchBytes: number, ring: IngressConsumer, origin: Origin): void {
    const room = this.#byNumber.get(number);
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
    this.describe(name).then((found) => {
      this.#later(() => {
        if (found === undefined) this.#writer.refuse(origin, "not_found");
        else if (found instanceof Error) this.#writer.refuse(origin, "unavailable");
        else this.#writer.room({ ...found, name, number: 0 }, origin);
      });
    });
  }

  #open(name: string, origin: Origin): void {
    const open = this.#byName.get(name);
    if (open?.state === "open") {
      open.touchedAt = this.#options.clock.monotonic();
      this.#admit(open, origin);
      return;
    }
    if (open !== undefined) {
      open.waiters.push(origin);
      return;
    }
    if (this.#byName.size >= this.#options.roomsMax) {
      this.#writer.refuse(origin, "overloaded");
      return;
    }
    const room = new SharedRoom(this.#takeNumber(), name, this.#options.clock.monotonic());
    room.waiters.push(origin);
    this.#byName.set(name, room);
    this.#byNumber.set(room.number, room);
    const { log } = this.#options;
    // Subscribed first: what is written after the look comes as a message.
    log.subscribe(name, (subscribed) => {
      if (subscribed instanceof Error) return this.#refuseAll(room, subscribed);
      this.#sanctions.opening(name, (failure) => {
        if (failure !== undefined) return this.#refuseAll(room, failure);
        this.#look(room);
      });
    });
  }

  #look(room: SharedRoom): void {
    const { name } = room;
    const { log } = this.#options;
    log.look(name, undefined, (state) => {
      if (state instanceof Error) return this.#refuseAll(room, state);
      if (state !== undefined && !state.isInDoubt) return this.#opened(room, state);
      // A new room, or one whose newest records may be lost: the log decides how it goes on.
      log.append(name, CLAIM, (result) => {
        if (result instanceof Error) return this.#refuseAll(room, result);
        const { epoch, first, ts } = result;
        const { settings, sanctions, online } = state ?? { settings: "", sanctions: "", online: 0 };
        this.#opened(room, { epoch, head: first - 1, ts, settings, sanctions, online, isInDoubt: false });
      });
    });
  }

  /** Tells of an open room, after those who are muted or banned there. */
  #admit(room: SharedRoom, origin: Origin): void {
    this.#sanctions.desk.tell(room.name, origin, this.#options.clock.now(), () => this.#tell(room, origin));
  }

  #opened(room: SharedRoom, state: SharedRoomState): void {
    room.state = "open";
    room.begin(state.epoch, state.head);
    room.ringEpoch = state.epoch;
    room.ringHead = state.head;
    room.ts = state.ts;
    room.online = state.online;
    room.configure(state.settings);
    room.lookAt = this.#options.clock.monotonic() + SHARED_LIMITS.lookIntervalMs;
    for (const waiter of room.waiters.splice(0)) this.#later(() => this.#admit(room, waiter));
    this.#stream.opened(room);
  }

  #refuseAll(room: SharedRoom, cause: Error): void {
    this.failed(cause);
    for (const waiter of room.waiters.splice(0))
      this.#later(() => this.#writer.refuse(waiter, "unavailable"));
    this.#forget(room);
  }

  #tell(room: SharedRoom, origin: Origin): void {
    const { number, name, ringEpoch: epoch, ringHead: head, online, settings } = room;
    const now = this.#options.clock.now();
    const rates = { rate: room.rate(now), sampledRate: room.sampledRate(now) };
    this.#writer.room({ number, name, epoch, head, online, settings, ...rates }, origin);
  }

  /** The room goes on in another epoch or after a jump: under a new number, by which gateways ask for it anew. */
  #moved(room: SharedRoom): void {
    this.#options.counters.add(METRICS.roomsMoved, 1);
    this.#writer.closed(room.number);
    room.numbers.push(room.number);
    if (room.numbers.length > SHARED_LIMITS.pastEpochsMax)
      this.#byNumber.delete(room.numbers.shift() as number);
    room.number = this.#takeNumber();
    this.#byNumber.set(room.number, room);
    room.clearViewers();
  }

  /** A number that no open room has; they wrap after 2^32 openings. 0 stands for a room that is not open. */
  #takeNumber(): number {
    do this.#nextNumber = (this.#nextNumber + 1) >>> 0;
    while (this.#nextNumber === 0 || this.#byNumber.has(this.#nextNumber));
    return this.#nextNumber;
  }

  #count(room: SharedRoom, gateway: number, viewers: number): void {
    if (!room.setViewers(gateway, viewers)) return;
    const now = this.#options.clock.monotonic();
    room.touchedAt = now;
    room.lookAt = Math.min(room.lookAt, now + SHARED_LIMITS.countWaitMs);
  }

  #announceStats(room: SharedRoom, now: number): void {
    if (room.state !== "open" || room.online === room.statsOnline) return;
    if (now - room.statsAt < ROOM_LIMITS.statsIntervalMs) return;
    room.statsAt = now;
    room.statsOnline = room.online;
    this.#writer.stats(room.number, room.online);
  }

  #letGoIdle(room: SharedRoom, now: number): void {
    const lingerMs = this.#options.roomLingerMs + ROOM_LIMITS.lingerMarginMs;
    if (now - room.touchedAt < lingerMs || room.toldViewers > 0 || room.isLooking) return;
    this.#forget(room);
    this.#writer.closed(room.number);
  }

  #forget(room: SharedRoom): void {
    room.state = "closed";
    this.#byName.delete(room.name);
    for (const number of [...room.numbers, room.number]) this.#byNumber.delete(number);
    this.#appends.forget(room);
    this.#stream.forget(room);
    this.#sanctions.forget(room.name);
    this.#options.log.unsubscribe(room.name);
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
