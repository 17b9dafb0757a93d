import type { StartPosition, ViewerId } from "./hub.ts";
import type { RoomRegistry } from "./room-registry.ts";
import type { WatchedRoom } from "./watched-room.ts";

/** Another node's message takes less; what is not there by then was lost. */
const WAIT_MS_MAX = 1500;

interface Early {
  readonly viewer: ViewerId;
  readonly start: StartPosition & { readonly kind: "resume" };
  readonly isStill: () => boolean;
  readonly since: number;
}

/** Those who wait for one room, in the order in which they came. */
interface Waiting {
  early: Early[];
  /** The room and its head when they were last looked at: while both are the same, nobody's wait is over but by time. */
  room: WatchedRoom | undefined;
  head: number;
}

/**
 * Viewers that come from another node, where they have seen more than this one has yet: they are let in once it has
 * caught up, since a resume beyond the head would be refused.
 */
export class EarlyResumes {
  readonly #rooms: RoomRegistry;
  readonly #admit: (viewer: ViewerId, room: WatchedRoom, start: StartPosition) => void;
  readonly #enter: (viewer: ViewerId, name: string, start: StartPosition) => void;
  readonly #waiting = new Map<string, Waiting>();

  /** `enter` opens the room for a viewer who has waited in vain while it was let go of. */
  constructor(
    rooms: RoomRegistry,
    admit: (viewer: ViewerId, room: WatchedRoom, start: StartPosition) => void,
    enter: (viewer: ViewerId, name: string, start: StartPosition) => void,
  ) {
    this.#rooms = rooms;
    this.#admit = admit;
    this.#enter = enter;
  }

  /** Whether the viewer has to wait; `isStill` tells whether it is still there. */
  take(
    viewer: ViewerId,
    room: WatchedRoom,
    start: StartPosition,
    isStill: () => boolean,
    now: number,
  ): boolean {
    if (start.kind !== "resume" || !isEarly(room, start)) return false;
    const waiting = this.#waiting.get(room.name) ?? { early: [], room, head: room.window.head };
    waiting.early.push({ viewer, start, isStill, since: now });
    this.#waiting.set(room.name, waiting);
    return true;
  }

  turn(now: number): void {
    for (const [name, waiting] of this.#waiting) {
      const room = this.#rooms.get(name);
      const isLate = now - (waiting.early[0]?.since ?? now) >= WAIT_MS_MAX;
      if (isLate || room !== waiting.room || room?.window.head !== waiting.head)
        this.#look(name, waiting, room, now);
    }
  }

  #look(name: string, waiting: Waiting, room: WatchedRoom | undefined, now: number): void {
    const { early } = waiting;
    waiting.room = room;
    waiting.head = room?.window.head ?? 0;
    waiting.early = early.filter(
      ({ start, since, isStill }) =>
        isStill() && now - since < WAIT_MS_MAX && (room === undefined || isEarly(room, start)),
    );
    if (waiting.early.length === 0) this.#waiting.delete(name);
    const stay = new Set(waiting.early);
    for (const one of early) {
      if (stay.has(one) || !one.isStill()) continue;
      if (room === undefined) this.#enter(one.viewer, name, one.start);
      else this.#admit(one.viewer, room, one.start);
    }
  }
}

function isEarly(room: WatchedRoom, start: StartPosition & { readonly kind: "resume" }): boolean {
  return start.epoch === room.epoch && start.after > room.window.head;
}
