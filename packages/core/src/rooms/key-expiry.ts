/** Lets go of idempotency keys whose time is over, also in rooms where nothing happens any more. */
import type { Clock } from "../ports/index.ts";
import { NO_TIMER, type ThreadTimers, type TimerKind } from "../timing/index.ts";
import { ROOM_LIMITS } from "./limits.ts";
import type { SequencedRoom } from "./sequenced-room.ts";

export class KeyExpiry {
  readonly #timers: ThreadTimers;
  readonly #clock: Clock;
  readonly #kind: TimerKind;
  #rooms = 0;
  /** Keys that may still be dropped in the turn of that time. */
  #left = 0;
  #turnAt = Number.NEGATIVE_INFINITY;

  constructor(timers: ThreadTimers, clock: Clock, roomOf: (number: number) => SequencedRoom | undefined) {
    this.#timers = timers;
    this.#clock = clock;
    this.#kind = timers.coarse((number, now) => {
      const room = roomOf(number >>> 0);
      if (room !== undefined) this.#expire(room, now);
    });
  }

  /** The room has a new key. */
  remembered(room: SequencedRoom): void {
    if (room.keysTimer !== NO_TIMER) return;
    this.#rooms++;
    this.#wait(room, this.#timers.now + ROOM_LIMITS.keyLifeMs);
  }

  /** The room is closed. */
  forget(room: SequencedRoom): void {
    if (room.keysTimer === NO_TIMER) return;
    this.#rooms--;
    this.#timers.cancel(room.keysTimer);
    room.keysTimer = NO_TIMER;
  }

  /** Rooms that remember keys. */
  get size(): number {
    return this.#rooms;
  }

  #wait(room: SequencedRoom, until: number): void {
    room.keysTimer = this.#timers.set(until, this.#kind, room.number);
  }

  /** Keys are as old as their danmaku, by the clock of the day; how long to wait for them goes by the other one. */
  #expire(room: SequencedRoom, now: number): void {
    if (now !== this.#turnAt) {
      this.#turnAt = now;
      this.#left = ROOM_LIMITS.expireKeysPerTurnMax;
    }
    const sinceTs = this.#clock.now() - ROOM_LIMITS.keyLifeMs;
    if (this.#left > 0) this.#left -= room.keys?.expire(sinceTs, this.#left) ?? 0;
    if (room.keys === undefined || room.keys.size === 0) {
      room.keys = undefined;
      room.keysTimer = NO_TIMER;
      this.#rooms--;
      return;
    }
    const waitMs = Math.min(room.keys.oldestTs - sinceTs + 1, ROOM_LIMITS.keyLifeMs);
    this.#wait(room, now + (this.#left <= 0 ? 1 : Math.max(waitMs, ROOM_LIMITS.expireKeysIntervalMs)));
  }
}
