/**
 * Puts scheduled danmaku of the shared log into their rooms when their time has come. Any node may do it for any room, and
 * the log does it once; so that one does it in time and not all of them at once, a node claims the rooms in which something
 * comes due, and says every second that it is still there. What it had wait itself and is due sooner than that it looks
 * after unasked. Time is that of the log: its answers say in how many ms the next one is due.
 */
import type { Clock, Counters, SharedClaims, SharedDue, SharedLog, SharedWaiting } from "../ports/index.ts";
import { type TimerHandle, TimingWheel } from "../timing/index.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";

export interface SharedDueRoomsOptions {
  readonly log: SharedLog;
  readonly clock: Clock;
  readonly counters: Counters;
  /** The log has taken something. */
  readonly onHeard: () => void;
  readonly onFailure: (cause: Error) => void;
  readonly onAlarm: (message: string) => void;
  /** Has `turn` called soon. */
  readonly wake: () => void;
}

/** A room that is looked after. */
interface DueRoom {
  readonly id: number;
  readonly name: string;
  /** Proof that it is this node's; "" = looked after unasked. */
  claim: string;
  /** What waits there, as the log said last. */
  waiting: SharedWaiting | undefined;
  timer: TimerHandle;
  /** When that comes, monotonic ms; infinite where none is set. */
  at: number;
  isAsking: boolean;
  /** What the answer on its way tells may be out of date. */
  hasNews: boolean;
  tries: number;
}

export class SharedDueRooms {
  readonly #options: SharedDueRoomsOptions;
  readonly #byName = new Map<string, DueRoom>();
  readonly #byId = new Map<number, DueRoom>();
  readonly #wheel: TimingWheel;
  /** Rooms whose time has come, in that order. */
  readonly #ready = new Set<DueRoom>();
  #asking = 0;
  #lastId = 0;
  #claimAt = 0;
  #isClaiming = false;
  #isStopped = false;
  #count = 0;
  #bytes = 0;

  constructor(options: SharedDueRoomsOptions) {
    this.#options = options;
    this.#wheel = new TimingWheel({
      now: options.clock.monotonic(),
      onFire: (_kind, id) => this.#due(this.#byId.get(id)),
      timersMax: SHARED_LIMITS.dueRoomsMax,
    });
  }

  /** Why another one of so many bytes cannot wait; by what all rooms had a second ago. */
  isFull(bytes: number): boolean {
    return this.#count >= ROOM_LIMITS.scheduledMax || this.#bytes + bytes > ROOM_LIMITS.scheduledBytesMax;
  }

  /** This node had something wait in a room, or took it back. */
  changed(name: string, waiting: SharedWaiting): void {
    const { nextInMs } = waiting;
    let room = this.#byName.get(name);
    if (room === undefined) {
      if (nextInMs === undefined || nextInMs > SHARED_LIMITS.dueSoonMs) return;
      room = this.#lookAfter(name);
      if (room === undefined) return;
    }
    if (room.isAsking) room.hasNews = true;
    room.waiting = waiting;
    this.#arm(room, nextInMs);
    this.#options.wake();
  }

  /**
   * Something was seen to wait in a room. Whoever looks after it knows; but the note that it does may have been lost in a
   * failover, so what stands open for long although it is due is asked for.
   */
  seen(name: string, inMs: number): void {
    if (inMs > -SHARED_LIMITS.dueLongMs || this.#byName.has(name)) return;
    const room = this.#lookAfter(name);
    if (room !== undefined) this.#due(room);
  }

  /** When `turn` is due, monotonic ms. */
  nextDueAt(): number {
    if (this.#ready.size > 0 && this.#asking < SHARED_LIMITS.deliveriesMax) return Number.NEGATIVE_INFINITY;
    return this.#wheel.nextAt();
  }

  /** Has the log deliver what is due. */
  turn(): void {
    if (this.#byName.size === 0) return;
    this.#wheel.advance(this.#options.clock.monotonic());
    for (const room of this.#ready) {
      if (this.#asking >= SHARED_LIMITS.deliveriesMax) return;
      this.#ready.delete(room);
      this.#deliver(room);
    }
  }

  /** Renews claims and looks for rooms, once a second. Call every 200 ms or so. */
  tick(now: number): void {
    if (now < this.#claimAt || this.#isClaiming || this.#isStopped) return;
    this.#claimAt = now + SHARED_LIMITS.claimIntervalMs;
    this.#claim(false, () => {});
  }

  /** Looks after nothing any more: others need not wait until that shows. */
  stop(onDone: () => void): void {
    this.#isStopped = true;
    this.#claim(true, onDone);
  }

  #claim(isLast: boolean, onDone: () => void): void {
    const { log, counters, onFailure, wake } = this.#options;
    this.#isClaiming = true;
    const held = [...this.#byName.values()]
      .filter(({ claim }) => claim !== "")
      .map(({ name: room, claim, waiting }) => ({ room, claim, waiting }));
    const roomsMax = Math.max(0, SHARED_LIMITS.dueRoomsMax - this.#byName.size);
    log.claim(held, roomsMax, isLast, (claims) => {
      this.#isClaiming = false;
      if (claims instanceof Error) onFailure(claims);
      else if (!isLast) {
        if (claims.failure !== undefined) onFailure(claims.failure);
        this.#claimed(claims);
        counters.set(METRICS.scheduledWaiting, claims.count);
      }
      onDone();
      wake();
    });
  }

  #claimed({ claimed, kept, released, count, bytes }: SharedClaims): void {
    this.#count = count;
    this.#bytes = bytes;
    for (const name of released) {
      const room = this.#byName.get(name);
      if (room !== undefined) this.#forget(room);
    }
    for (const { room: name, claim } of kept) {
      const room = this.#byName.get(name);
      if (room !== undefined) room.claim = claim;
    }
    for (const { room: name, claim } of claimed) {
      const room = this.#byName.get(name) ?? this.#lookAfter(name);
      if (room === undefined) continue;
      room.claim = claim;
      // What it knows of the room may be old.
      room.waiting = undefined;
      this.#due(room);
    }
  }

  #lookAfter(name: string): DueRoom | undefined {
    if (this.#byName.size >= SHARED_LIMITS.dueRoomsMax) return undefined;
    do this.#lastId = (this.#lastId + 1) & 0x7fff_ffff;
    while (this.#byId.has(this.#lastId));
    const room: DueRoom = {
      id: this.#lastId,
      name,
      claim: "",
      waiting: undefined,
      timer: 0,
      at: Number.POSITIVE_INFINITY,
      isAsking: false,
      hasNews: false,
      tries: 0,
    };
    this.#byName.set(name, room);
    this.#byId.set(room.id, room);
    return room;
  }

  #forget(room: DueRoom): void {
    this.#wheel.cancel(room.timer);
    this.#ready.delete(room);
    this.#byName.delete(room.name);
    this.#byId.delete(room.id);
  }

  /** Has the room asked in so many ms, unless it is before that. */
  #arm(room: DueRoom, inMs: number | undefined): void {
    if (inMs === undefined) return;
    const at = this.#options.clock.monotonic() + Math.max(0, inMs);
    if (at >= room.at) return;
    this.#wheel.cancel(room.timer);
    room.at = at;
    room.timer = this.#wheel.insert(at, 0, room.id);
  }

  #due(room: DueRoom | undefined): void {
    if (room === undefined) return;
    this.#wheel.cancel(room.timer);
    room.at = Number.POSITIVE_INFINITY;
    this.#ready.add(room);
  }

  #deliver(room: DueRoom): void {
    const { log, onFailure, wake } = this.#options;
    if (room.isAsking) {
      room.hasNews = true;
      return;
    }
    room.isAsking = true;
    this.#asking++;
    log.deliverDue(room.name, (result) => {
      this.#asking--;
      room.isAsking = false;
      if (result instanceof Error) {
        onFailure(result);
        const waitMs = Math.min(SHARED_LIMITS.retryMsMax, SHARED_LIMITS.retryMsMin * 2 ** room.tries);
        room.tries = Math.min(room.tries + 1, 10);
        if (this.#byId.has(room.id)) this.#arm(room, waitMs);
      } else this.#delivered(room, result);
      wake();
    });
  }

  #delivered(room: DueRoom, { lateMs, waiting, unread }: SharedDue): void {
    this.#account(room, lateMs, unread);
    room.tries = 0;
    if (!this.#byId.has(room.id)) return;
    if (room.hasNews) {
      room.hasNews = false;
      room.waiting = undefined;
      this.#due(room);
      return;
    }
    room.waiting = waiting;
    this.#arm(room, waiting.nextInMs);
    // Unasked it looks after what is due soon only.
    const { nextInMs = Number.POSITIVE_INFINITY } = waiting;
    if (room.claim === "" && nextInMs > SHARED_LIMITS.dueSoonMs) this.#forget(room);
  }

  #account(room: DueRoom, lateMs: readonly number[], unread: number): void {
    const { log, counters, onAlarm, onHeard } = this.#options;
    if (lateMs.length > 0) {
      onHeard();
      log.ring(room.name);
      counters.add(METRICS.scheduledDelivered, lateMs.length);
      counters.add(METRICS.committed, lateMs.length);
      const late = lateMs.filter((ms) => ms > ROOM_LIMITS.scheduledLateMs).length;
      if (late > 0) counters.add(METRICS.scheduledLate, late);
    }
    if (unread > 0) {
      counters.add(METRICS.unread, unread);
      onAlarm(`room ${room.name}: ${unread} records were trimmed before the dispatch group had read them`);
    }
  }
}
