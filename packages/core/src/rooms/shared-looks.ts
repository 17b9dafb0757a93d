/**
 * Compares every open room with the shared log now and then, since messages may be lost and a log may be: what did not
 * come is read back, and a log that knows less than was shown here begins a new epoch.
 */
import type { Clock, SharedBatch, SharedLog, SharedRoomState } from "../ports/index.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import type { SharedRoom } from "./shared-room.ts";
import type { SharedStream } from "./shared-stream.ts";

export interface SharedLooksOptions {
  readonly log: SharedLog;
  readonly stream: SharedStream;
  readonly clock: Clock;
  /** Something waits in the room, and is due in so many ms. */
  readonly onDue: (room: SharedRoom, inMs: number) => void;
  readonly wake: () => void;
  readonly onFailure: (cause: Error) => void;
  /** The room's mutes and bans are of this revision. */
  readonly onSanctions: (room: SharedRoom, revision: string) => void;
}

export class SharedLooks {
  readonly #options: SharedLooksOptions;

  constructor(options: SharedLooksOptions) {
    this.#options = options;
  }

  /** Looks at a part of the rooms, each in its turn. */
  around(rooms: ReadonlyMap<string, SharedRoom>, now: number): void {
    let left = (SHARED_LIMITS.looksPerSecondMax * TICK_MS) / 1000;
    for (const room of rooms.values()) {
      if (room.state !== "open" || room.isLooking || now < room.lookAt) continue;
      if (left-- === 0) return;
      this.look(room, rooms.size);
    }
  }

  /** Asks the log for the room, of which there are `rooms` on this node, and tells it the viewers here. */
  look(room: SharedRoom, rooms: number): void {
    const { log, clock, wake } = this.#options;
    if (room.isLooking || room.state !== "open") return;
    this.#announceAgain(room);
    const { viewers, isDoubted } = room;
    room.isLooking = true;
    room.isDoubted = false;
    room.hasNews = false;
    log.look(room.name, viewers, (state) => {
      room.isLooking = false;
      const share = (rooms / SHARED_LIMITS.looksPerSecondMax) * 1000;
      room.lookAt = room.hasNews ? 0 : clock.monotonic() + Math.max(SHARED_LIMITS.lookIntervalMs, share);
      if (room.state !== "open") return;
      if (state instanceof Error) {
        room.isDoubted ||= isDoubted;
        this.#options.onFailure(state);
        return;
      }
      room.toldViewers = viewers;
      if (state !== undefined) {
        room.online = state.online;
        room.configure(state.settings);
        this.#options.onSanctions(room, state.sanctions);
        if (state.dueInMs !== undefined) this.#options.onDue(room, state.dueInMs);
      }
      this.#compare(room, state, isDoubted);
      wake();
    });
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
      const claim = { ...CLAIM, epoch: room.epoch, head: room.head };
      this.#options.log.append(room.name, claim, (result) => {
        if (result instanceof Error) return this.#options.onFailure(result);
        if (room.state !== "open") return;
        this.#found(room, result.epoch, result.first - 1);
        this.#options.wake();
      });
      return;
    }
    if (state.epoch !== room.epoch) {
      this.#found(room, state.epoch, state.head);
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

  #found(room: SharedRoom, epoch: string, head: number): void {
    if (epoch === room.epoch) this.#options.stream.missing(room, head);
    else if (!room.isPast(epoch)) this.#options.stream.moveTo(room, epoch, head);
  }
}

/** Between two ticks, about; see `threads/thread.ts`. */
const TICK_MS = 200;

/** A batch of nothing: has the log say what the room is, and begin it or a new epoch where that is due. */
export const CLAIM: SharedBatch = Object.freeze({
  number: 0,
  epoch: "",
  head: 0,
  bytes: new Uint8Array(0),
  count: 0,
  identities: [],
});
