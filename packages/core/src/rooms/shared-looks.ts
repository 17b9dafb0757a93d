/**
 * Compares every open room with the shared log now and then, since messages may be lost and a log may be: what did not
 * come is read back, and a log that knows less than was shown here begins a new epoch.
 */
import type { Clock, SharedLog, SharedRoomState } from "../ports/index.ts";
import { NO_TIMER, THREAD_TIMERS, type ThreadTimers, type TimerKind } from "../timing/index.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import type { SharedRoom } from "./shared-room.ts";
import type { SharedRooms } from "./shared-rooms.ts";
import type { SharedStream } from "./shared-stream.ts";

export interface SharedLooksOptions {
  readonly log: SharedLog;
  readonly stream: SharedStream;
  readonly clock: Clock;
  /** Of the same time as `clock`. */
  readonly timers: ThreadTimers;
  readonly rooms: SharedRooms;
  /** Something waits in the room, and is due in so many ms. */
  readonly onDue: (room: SharedRoom, inMs: number) => void;
  readonly wake: () => void;
  readonly onFailure: (cause: Error) => void;
  /** The room's mutes and bans are of this revision. */
  readonly onSanctions: (room: SharedRoom, revision: string) => void;
}

export class SharedLooks {
  readonly #options: SharedLooksOptions;
  readonly #kind: TimerKind;
  /** Open rooms whose `lookAt` is past or comes within `EARLY_MS`, about in that order. */
  readonly #near = new Set<SharedRoom>();
  /** How often all rooms were doubted. */
  #doubts = 0;
  /** Rooms still to be gone through since a doubt, those opened meanwhile included; none where all have been. */
  #doubted: Iterator<SharedRoom> | undefined;
  /** Which doubt that is. */
  #doubtedSince = 0;
  /** Rooms that this tick may still pass by on the way to those that are due, and to those that are doubted. */
  #nearLeft = 0;
  #doubtedLeft = 0;

  constructor(options: SharedLooksOptions) {
    this.#options = options;
    this.#kind = options.rooms.timersOf((room) => {
      room.lookTimer = NO_TIMER;
      this.#near.add(room);
    });
  }

  /** A room is being opened: what is doubted from here on concerns it. */
  opening(room: SharedRoom): void {
    room.doubts = this.#doubts;
  }

  opened(room: SharedRoom): void {
    this.#lookAt(room, this.#options.clock.monotonic() + SHARED_LIMITS.lookIntervalMs);
  }

  forget(room: SharedRoom): void {
    this.#options.timers.cancel(room.lookTimer);
    this.#near.delete(room);
  }

  /** Has a room looked at by `at`, monotonic ms, if it is not before that anyway. */
  by(room: SharedRoom, at: number): void {
    if (room.state === "open" && !room.isLooking && at < room.lookAt) this.#lookAt(room, at);
  }

  /** Messages may have been missed: has every room looked at, bit by bit. */
  doubt(): void {
    this.#doubts++;
    if (this.#doubted === undefined) this.#beginDoubted();
  }

  /** Looks at a part of the rooms whose turn it is. Call every `TICK_MS`. */
  tick(): void {
    const now = this.#options.clock.monotonic();
    const near = this.#near.values();
    this.#nearLeft = SHARED_LIMITS.passedPerTickMax;
    this.#doubtedLeft = SHARED_LIMITS.passedPerTickMax;
    // One of each, so that neither keeps the other waiting.
    for (let left = LOOKS_PER_TICK; left > 0; ) {
      const due = this.#nextDue(near, now);
      if (due !== undefined) {
        this.look(due);
        left--;
      }
      const doubted = left > 0 ? this.#nextDoubted() : undefined;
      if (doubted !== undefined) {
        this.look(doubted);
        left--;
      }
      if (due === undefined && doubted === undefined) return;
    }
  }

  /** News of a room: looks at it now, or once more where a look is under way. */
  news(room: SharedRoom): void {
    room.hasNews = true;
    this.look(room);
  }

  /** Asks the log for the room and tells it the viewers here. */
  look(room: SharedRoom): void {
    const { log, clock, wake, timers, rooms } = this.#options;
    if (room.isLooking || room.state !== "open") return;
    this.#announceAgain(room);
    const { viewers } = room;
    const isDoubted = room.doubts !== this.#doubts;
    timers.cancel(room.lookTimer);
    room.lookTimer = NO_TIMER;
    this.#near.delete(room);
    room.isLooking = true;
    room.doubts = this.#doubts;
    room.hasNews = false;
    log.look(room.name, viewers, (state) => {
      room.isLooking = false;
      if (room.state !== "open") return;
      const share = (rooms.size / SHARED_LIMITS.looksPerSecondMax) * 1000;
      const waitMs = room.hasNews ? 0 : Math.max(SHARED_LIMITS.lookIntervalMs, share);
      this.#lookAt(room, clock.monotonic() + waitMs);
      if (state instanceof Error) {
        if (isDoubted) room.doubts = NEVER;
        this.#options.onFailure(state);
        return;
      }
      room.toldViewers = viewers;
      if (state !== undefined) {
        room.online = state.online;
        room.configure(state.settings);
        rooms.changed(room);
        this.#options.onSanctions(room, state.sanctions);
        if (state.dueInMs !== undefined) this.#options.onDue(room, state.dueInMs);
      }
      this.#compare(room, state, isDoubted);
      wake();
    });
  }

  #lookAt(room: SharedRoom, at: number): void {
    const { timers } = this.#options;
    timers.cancel(room.lookTimer);
    room.lookTimer = NO_TIMER;
    room.lookAt = at;
    const early = at - EARLY_MS;
    if (early > timers.now) room.lookTimer = timers.set(early, this.#kind, room.id);
    else this.#near.add(room);
  }

  #beginDoubted(): void {
    this.#doubted = this.#options.rooms.byName.values();
    this.#doubtedSince = this.#doubts;
  }

  /** The next of these rooms that is due. Those passed by are so within `EARLY_MS`, and keep nobody waiting for longer. */
  #nextDue(near: Iterator<SharedRoom>, now: number): SharedRoom | undefined {
    while (this.#nearLeft-- > 0) {
      const { value: room, done } = near.next();
      if (done === true) return undefined;
      if (room.lookAt <= now) return room;
    }
    return undefined;
  }

  /** The next room that was not looked at since the last doubt. */
  #nextDoubted(): SharedRoom | undefined {
    while (this.#doubted !== undefined && this.#doubtedLeft-- > 0) {
      const { value: room, done } = this.#doubted.next();
      if (done === true) {
        this.#doubted = undefined;
        // Those passed before the last doubt: once more.
        if (this.#doubtedSince !== this.#doubts) this.#beginDoubted();
      } else if (room.state === "open" && room.doubts !== this.#doubts) {
        if (!room.isLooking) return room;
        // The look under way was begun before the doubt.
        room.hasNews = true;
      }
    }
    return undefined;
  }

  /** Also of a room that nobody writes to any more: those who work behind the log find it by the list. */
  #announceAgain(room: SharedRoom): void {
    const now = this.#options.clock.monotonic();
    const isWritten = room.announcedAt !== Number.NEGATIVE_INFINITY;
    if (!isWritten || now - room.announcedAt < SHARED_LIMITS.announceAgainMs) return;
    this.#options.log.announce(room.name, (done) => {
      if (!(done instanceof Error)) room.announcedAt = now;
    });
  }

  /** Is the room what this node takes it for? */
  #compare(room: SharedRoom, state: SharedRoomState | undefined, isDoubted: boolean): void {
    const isBehind = state?.epoch === room.epoch && state.head < room.head;
    if (state === undefined || state.isInDoubt || isBehind) {
      const { stream } = this.#options;
      stream.claim(room, (head) => stream.missing(room, head));
      return;
    }
    if (state.epoch !== room.epoch) {
      this.#other(room, state);
      return;
    }
    // What was there at the last look should have come by now.
    if (isDoubted) this.#options.stream.missing(room, state.head);
    else if (room.seenHead > room.head) {
      this.#options.stream.missing(room, room.seenHead);
      this.#options.log.subscribe(room.name, () => {});
    }
    room.seenHead = state.head;
  }

  /** The log is in another epoch than the room here. */
  #other(room: SharedRoom, { epoch, head }: SharedRoomState): void {
    const { stream } = this.#options;
    if (!room.isPast(epoch)) stream.moveTo(room, epoch, head);
    // It lost the very epoch: it is told that more was shown than it has, and begins one more.
    else stream.claim(room, () => {}, { epoch, head: Math.max(room.head, head + 1) });
  }
}

/** Between two ticks, about; see `threads/thread.ts`. */
const TICK_MS = 200;
const LOOKS_PER_TICK = (SHARED_LIMITS.looksPerSecondMax * TICK_MS) / 1000;
/**
 * A coarse timer fires so late at most. It is set for so much earlier, and the tick goes by `lookAt`: rooms are looked at
 * with the first tick from then on, as settings and bans of other nodes are not to come later than promised.
 */
const EARLY_MS = THREAD_TIMERS.coarseMs + TICK_MS;
/** In place of a doubt: the log has not answered since. */
const NEVER = -1;
