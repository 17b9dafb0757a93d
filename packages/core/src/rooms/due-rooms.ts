/**
 * Which rooms of a gateway have something to send, and when. A room is due
 *
 * - for all its viewers, when it has a record that everybody sees: after the time that its size asks for (`Pacing`);
 * - for senders, when it has records that only those who sent them see;
 * - for gaps, which say what was left out: they go with whatever else is sent, or wait for a good while.
 */
import { ROOM_LIMITS } from "./limits.ts";
import type { Pacing } from "./pacing.ts";
import type { WatchedRoom } from "./watched-room.ts";

export class DueRooms {
  readonly #pacing: Pacing;
  /** Rooms due for all or for senders, in the order in which they became so. */
  readonly #due = new Set<WatchedRoom>();
  /** Rooms due for gaps; since all wait equally long, the first is the next. */
  readonly #gaps = new Set<WatchedRoom>();

  constructor(pacing: Pacing) {
    this.#pacing = pacing;
  }

  /** Rooms that are due now or soon; see `isReady`. */
  get rooms(): Iterable<WatchedRoom> {
    return this.#due;
  }

  /** How many those are. */
  get count(): number {
    return this.#due.size;
  }

  /** Lets the other rooms go first, those due later too. */
  moveBack(room: WatchedRoom): void {
    if (this.#due.delete(room)) this.#due.add(room);
  }

  /** When the next room is due, monotonic ms; infinite where none is. */
  nextAt(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const room of this.#due) next = Math.min(next, dueAtOf(room));
    for (const room of this.#gaps) return Math.min(next, room.gapsDueAt);
    return next;
  }

  isReady(room: WatchedRoom, now: number): boolean {
    return dueAtOf(room) <= now;
  }

  /** The room has a new record. @hot bench/fanout.ts */
  appended(room: WatchedRoom, now: number): void {
    if (room.dueAt !== 0 || room.live === 0) return;
    if (room.window.lastLeftOut === room.window.head) this.#leftOut(room, now);
    else this.#forAll(room, now);
  }

  /** Gaps that were held back for long enough are due for all. Call before `rooms` are looked at. */
  releaseGaps(now: number): void {
    for (const room of this.#gaps) {
      if (room.gapsDueAt > now) return;
      this.#gaps.delete(room);
      room.gapsDueAt = 0;
      if (room.dueAt === 0) room.dueAt = now;
      this.#due.add(room);
    }
  }

  /** A pass begins; decides whom it is for. */
  begin(room: WatchedRoom, now: number): void {
    room.passAt = room.live;
    room.passHead = room.window.head;
    room.passIsForAll = room.dueAt !== 0 && room.dueAt <= now;
    if (!room.passIsForAll) return;
    room.passBeganAt = now;
    const { lastShown } = room.window;
    room.passedHead = lastShown > room.passedHead ? lastShown : room.passHead;
    room.gapsDueAt = 0;
    this.#gaps.delete(room);
  }

  /** A pass is over: what came meanwhile, some viewers have and some have not. */
  end(room: WatchedRoom, now: number): void {
    const { window } = room;
    room.sendersDueAt = 0;
    if (room.passIsForAll) {
      room.dueAt = 0;
      room.passedAt = now;
    }
    if (room.dueAt === 0) this.#due.delete(room);
    if (room.live === 0) return;
    if (room.passIsForAll && window.lastShown > room.passHead) this.#forAll(room, now);
    else if (room.dueAt === 0 && window.lastLeftOut > room.passHead) this.#leftOut(room, now);
    else if (window.head > room.passedHead) this.holdGap(room, now);
  }

  /** Some viewers have still to be told of what was left out last. */
  holdGap(room: WatchedRoom, now: number): void {
    if (room.gapsDueAt !== 0) return;
    room.gapsDueAt = now + ROOM_LIMITS.gapHeldMs;
    this.#gaps.add(room);
  }

  /** The room has no live viewers any more. */
  forget(room: WatchedRoom): void {
    this.#due.delete(room);
    this.#gaps.delete(room);
    room.dueAt = 0;
    room.sendersDueAt = 0;
    room.gapsDueAt = 0;
    room.passAt = 0;
  }

  #forAll(room: WatchedRoom, now: number): void {
    // Counted from the last pass: after a quiet moment there is nothing to wait for.
    room.dueAt = Math.max(now, this.#pacing.nextAt(room.live, room.passBeganAt, room.passedAt));
    this.#due.add(room);
  }

  #leftOut(room: WatchedRoom, now: number): void {
    if (room.window.head - room.passedHead >= ROOM_LIMITS.gapHeldRecordsMax) {
      this.#forAll(room, now);
      return;
    }
    if (room.sendersDueAt === 0) {
      room.sendersDueAt = now + (this.#pacing.isSmall(room.live) ? 0 : ROOM_LIMITS.sendersGatherMs);
      this.#due.add(room);
    }
    this.holdGap(room, now);
  }
}

/** When a room is due for the first of its passes; it is due for one. */
function dueAtOf(room: WatchedRoom): number {
  if (room.dueAt === 0) return room.sendersDueAt;
  return room.sendersDueAt === 0 ? room.dueAt : Math.min(room.dueAt, room.sendersDueAt);
}
