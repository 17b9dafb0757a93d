/**
 * The rooms of the shared log that are open on this node: by name, and by the numbers under which gateways know them. How
 * they come, are counted and let go of, and when gateways are told what has become of them elsewhere.
 */
import type { Clock, Counters, SharedLog, SharedRoomState } from "../ports/index.ts";
import { NO_TIMER, type ThreadTimers, type TimerKind } from "../timing/index.ts";
import type { BroadcastWriter, Origin } from "./broadcast-writer.ts";
import { GoneLives } from "./gone-lives.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { CLAIM } from "./shared-batch.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import { SharedRoom } from "./shared-room.ts";
import type { SharedSanctionRooms } from "./shared-sanctions.ts";

/** How soon to try again where the broadcast ring is full, or something of a room is still under way. */
const RETRY_MS = 200;

export interface SharedRoomsOptions {
  readonly log: SharedLog;
  readonly sanctions: SharedSanctionRooms;
  readonly writer: BroadcastWriter;
  readonly clock: Clock;
  /** Of the same time as `clock`. */
  readonly timers: ThreadTimers;
  readonly counters: Counters;
  readonly roomsMax: number;
  readonly roomLingerMs: number;
  /** A room is about to be opened: from here on it gets its messages. */
  readonly onOpening: (room: SharedRoom) => void;
  /** A room is open now. */
  readonly onOpened: (room: SharedRoom) => void;
  /** A room is let go of. */
  readonly onForgotten: (room: SharedRoom) => void;
  /** The viewers that a room has on this node have changed. */
  readonly onCounted: (room: SharedRoom) => void;
  readonly onFailure: (cause: Error) => void;
  /** Writes an answer once the ring has room for it. */
  readonly later: (write: () => void) => void;
}

export class SharedRooms {
  readonly #options: SharedRoomsOptions;
  readonly #byName = new Map<string, SharedRoom>();
  /** Also by numbers that the rooms had before. */
  readonly #byNumber = new Map<number, SharedRoom>();
  /** Rooms with settings that gateways have not been told. */
  readonly #unannounced = new Set<SharedRoom>();
  readonly #linger: TimerKind;
  readonly #stats: TimerKind;
  readonly #goneLives: GoneLives<SharedRoom>;
  #nextNumber = 0;

  constructor(options: SharedRoomsOptions) {
    this.#options = options;
    const { timers } = options;
    this.#linger = this.timersOf((room, now) => this.#lingered(room, now));
    this.#stats = this.timersOf((room, now) => this.#announceStats(room, now));
    this.#goneLives = new GoneLives({
      timers,
      rooms: () => this.#byName.values(),
      takeBack: (room, gateway, life) => {
        if (room.takeBack(gateway, life)) this.#counted(room);
      },
    });
  }

  get size(): number {
    return this.#byName.size;
  }

  get byName(): ReadonlyMap<string, SharedRoom> {
    return this.#byName;
  }

  get(number: number): SharedRoom | undefined {
    return this.#byNumber.get(number);
  }

  /** A kind of coarse timers whose data is the `id` of a room. */
  timersOf(onDue: (room: SharedRoom, now: number) => void): TimerKind {
    return this.#options.timers.coarse((id, now) => {
      const room = this.#byNumber.get(id >>> 0);
      if (room !== undefined) onDue(room, now);
    });
  }

  /** Opens a room, or says why not. */
  open(name: string, origin: Origin): void {
    const { log, writer, clock, sanctions, roomsMax, onOpening } = this.#options;
    const open = this.#byName.get(name);
    if (open?.state === "open") {
      open.touchedAt = clock.monotonic();
      this.#admit(open, origin);
      return;
    }
    if (open !== undefined) {
      open.waiters.push(origin);
      return;
    }
    if (this.#byName.size >= roomsMax) {
      writer.refuse(origin, "overloaded");
      return;
    }
    const room = new SharedRoom(this.#takeNumber(), name, clock.monotonic());
    room.waiters.push(origin);
    this.#byName.set(name, room);
    this.#byNumber.set(room.number, room);
    onOpening(room);
    // Subscribed first: what is written after the look comes as a message.
    log.subscribe(name, (subscribed) => {
      if (subscribed instanceof Error) return this.#refuseAll(room, subscribed);
      sanctions.opening(name, (failure) => {
        if (failure !== undefined) return this.#refuseAll(room, failure);
        this.#look(room);
      });
    });
  }

  /** The room goes on in another epoch or after a jump: under a new number, by which gateways ask for it anew. */
  moved(room: SharedRoom): void {
    this.#options.counters.add(METRICS.roomsMoved, 1);
    this.#options.writer.closed(room.number);
    room.numbers.push(room.number);
    // All but the first one, which its timers go by.
    if (room.numbers.length > SHARED_LIMITS.pastEpochsMax) {
      for (const over of room.numbers.splice(1, 1)) this.#byNumber.delete(over);
    }
    room.number = this.#takeNumber();
    this.#byNumber.set(room.number, room);
    room.clearViewers();
    this.#waitWhileEmpty(room);
  }

  /** A gateway, in this life of it, has so many viewers in a room now. */
  count(room: SharedRoom, gateway: number, life: number, viewers: number): void {
    if (room.setViewers(gateway, life, viewers)) this.#counted(room);
  }

  /** Takes back what a gateway had counted in a life that is over, a part of the rooms in each turn. */
  gatewayGone(gateway: number, life: number): void {
    this.#goneLives.add(gateway, life);
  }

  /** What is known of an open room may be other than what gateways were told. */
  changed(room: SharedRoom): void {
    if (room.state !== "open") return;
    if (room.toldSettings !== room.settingsText) this.#unannounced.add(room);
    if (room.online === room.statsOnline || room.statsTimer !== NO_TIMER) return;
    const { timers } = this.#options;
    const at = Math.max(timers.now, room.statsAt + ROOM_LIMITS.statsIntervalMs);
    room.statsTimer = timers.set(at, this.#stats, room.id);
  }

  /** Tells what was changed on other nodes. Call every 200 ms or so. */
  tick(): void {
    const { writer } = this.#options;
    for (const room of this.#unannounced) {
      if (!writer.hasRoom()) return;
      this.#unannounced.delete(room);
      if (room.toldSettings === room.settingsText) continue;
      room.toldSettings = room.settingsText;
      writer.settings(room.number, undefined, room.ringHead, room.ts, room.settings);
    }
  }

  get #lingerMs(): number {
    return this.#options.roomLingerMs + ROOM_LIMITS.lingerMarginMs;
  }

  #wait(room: SharedRoom, until: number): void {
    room.lingerTimer = this.#options.timers.set(until, this.#linger, room.id);
  }

  #waitWhileEmpty(room: SharedRoom): void {
    if (room.viewers > 0 || room.lingerTimer !== NO_TIMER) return;
    this.#wait(room, Math.max(this.#options.timers.now, room.touchedAt + this.#lingerMs));
  }

  #counted(room: SharedRoom): void {
    room.touchedAt = this.#options.clock.monotonic();
    this.#waitWhileEmpty(room);
    this.#options.onCounted(room);
  }

  /** Lets go of a room that nobody has used for the linger time, once the log knows that nobody is here. */
  #lingered(room: SharedRoom, now: number): void {
    room.lingerTimer = NO_TIMER;
    if (room.viewers > 0) return;
    const until = room.touchedAt + this.#lingerMs;
    if (now < until) this.#wait(room, until);
    else if (room.isLooking || room.batches.length > 0 || !this.#options.writer.hasRoom())
      this.#wait(room, now + RETRY_MS);
    else if (room.toldViewers > 0) this.#wait(room, Math.max(now, room.lookAt) + RETRY_MS);
    else {
      this.#forget(room);
      this.#options.writer.closed(room.number);
    }
  }

  #announceStats(room: SharedRoom, now: number): void {
    room.statsTimer = NO_TIMER;
    if (room.online === room.statsOnline) return;
    const { timers, writer } = this.#options;
    if (!writer.hasRoom()) {
      room.statsTimer = timers.set(now + RETRY_MS, this.#stats, room.id);
      return;
    }
    room.statsAt = now;
    room.statsOnline = room.online;
    writer.stats(room.number, room.online);
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
        const known = { settings, sanctions, online, isInDoubt: false, dueInMs: undefined };
        this.#opened(room, { epoch, head: first - 1, ts, ...known });
      });
    });
  }

  /** Tells of an open room, after those who are muted or banned there. */
  #admit(room: SharedRoom, origin: Origin): void {
    const { sanctions, clock } = this.#options;
    sanctions.desk.tell(room.name, origin, clock.now(), () => this.#tell(room, origin));
  }

  #opened(room: SharedRoom, state: SharedRoomState): void {
    const { later, onOpened } = this.#options;
    room.state = "open";
    room.begin(state.epoch, state.head);
    room.ringEpoch = state.epoch;
    room.ringHead = state.head;
    room.ts = state.ts;
    room.online = state.online;
    room.configure(state.settings);
    room.toldSettings = room.settingsText;
    this.#waitWhileEmpty(room);
    this.changed(room);
    for (const waiter of room.waiters.splice(0)) later(() => this.#admit(room, waiter));
    onOpened(room);
  }

  #refuseAll(room: SharedRoom, cause: Error): void {
    const { writer, later, onFailure } = this.#options;
    onFailure(cause);
    for (const waiter of room.waiters.splice(0)) later(() => writer.refuse(waiter, "unavailable"));
    this.#forget(room);
  }

  /** Says where the room is; where it is delayed, after asking the log how far viewers may see. */
  #tell(room: SharedRoom, origin: Origin): void {
    const { log, writer, later, onFailure } = this.#options;
    const { delayMs } = room.settings;
    if (delayMs === 0) {
      this.#say(room, origin, undefined);
      return;
    }
    log.visibleHead(room.name, room.ringHead, delayMs, (visible) => {
      if (visible instanceof Error) onFailure(visible);
      later(() => {
        if (visible instanceof Error || room.state === "closed") writer.refuse(origin, "unavailable");
        else this.#say(room, origin, visible);
      });
    });
  }

  #say(room: SharedRoom, origin: Origin, visibleHead: number | undefined): void {
    const { number, name, ringEpoch: epoch, ringHead: head, online, settings } = room;
    const now = this.#options.clock.now();
    const rates = { rate: room.rate(now), sampledRate: room.sampledRate(now) };
    this.#options.writer.room({ number, name, epoch, head, online, settings, ...rates, visibleHead }, origin);
  }

  /** A number that no open room has; they wrap after 2^32 openings. 0 stands for a room that is not open. */
  #takeNumber(): number {
    do this.#nextNumber = (this.#nextNumber + 1) >>> 0;
    while (this.#nextNumber === 0 || this.#byNumber.has(this.#nextNumber));
    return this.#nextNumber;
  }

  #forget(room: SharedRoom): void {
    const { timers } = this.#options;
    room.state = "closed";
    this.#unannounced.delete(room);
    timers.cancel(room.lingerTimer);
    timers.cancel(room.statsTimer);
    this.#byName.delete(room.name);
    for (const number of [...room.numbers, room.number]) this.#byNumber.delete(number);
    this.#options.log.unsubscribe(room.name);
    this.#options.onForgotten(room);
  }
}
