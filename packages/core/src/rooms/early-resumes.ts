import type { StartPosition, ViewerId } from "./hub.ts";
import type { RoomRegistry } from "./room-registry.ts";
import type { WatchedRoom } from "./watched-room.ts";

/** Another node's message takes less; what is not there by then was lost. */
const WAIT_MS_MAX = 1500;

interface Early {
  readonly viewer: ViewerId;
  readonly name: string;
  readonly start: StartPosition & { readonly kind: "resume" };
  readonly isStill: () => boolean;
  readonly since: number;
}

/**
 * Viewers that come from another node, where they have seen more than this one has yet: they are let in once it has
 * caught up, since a resume beyond the head would be refused.
 */
export class EarlyResumes {
  readonly #rooms: RoomRegistry;
  readonly #admit: (viewer: ViewerId, room: WatchedRoom, start: StartPosition) => void;
  #waiting: Early[] = [];

  constructor(
    rooms: RoomRegistry,
    admit: (viewer: ViewerId, room: WatchedRoom, start: StartPosition) => void,
  ) {
    this.#rooms = rooms;
    this.#admit = admit;
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
    this.#waiting.push({ viewer, name: room.name, start, isStill, since: now });
    return true;
  }

  turn(now: number): void {
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((early) => {
      if (!early.isStill()) return false;
      const room = this.#rooms.get(early.name);
      if (room === undefined) return true;
      if (isEarly(room, early.start) && now - early.since < WAIT_MS_MAX) return true;
      this.#admit(early.viewer, room, early.start);
      return false;
    });
  }
}

function isEarly(room: WatchedRoom, start: StartPosition & { readonly kind: "resume" }): boolean {
  return start.epoch === room.epoch && start.after > room.window.head;
}
