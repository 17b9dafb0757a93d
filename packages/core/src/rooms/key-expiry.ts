/** Lets go of idempotency keys whose time is over, also in rooms where nothing happens any more. */
import { ROOM_LIMITS } from "./limits.ts";
import type { SequencedRoom } from "./sequenced-room.ts";

export class KeyExpiry {
  /** Rooms that remember keys; the one looked at longest ago stands first. */
  readonly #rooms = new Set<SequencedRoom>();

  /** The room has a new key. */
  remembered(room: SequencedRoom): void {
    this.#rooms.add(room);
  }

  /** The room is closed. */
  forget(room: SequencedRoom): void {
    this.#rooms.delete(room);
  }

  /** Rooms that remember keys. */
  get size(): number {
    return this.#rooms.size;
  }

  /**
   * One slice of the work: drops keys older than `sinceTs` (Unix ms). Bounded by rooms and by keys; the next tick goes on
   * where this one ended.
   */
  tick(sinceTs: number): void {
    let rooms = Math.min(this.#rooms.size, ROOM_LIMITS.expireRoomsPerTickMax);
    let keys: number = ROOM_LIMITS.expireKeysPerTickMax;
    for (const room of this.#rooms) {
      if (rooms-- === 0) return;
      keys -= room.keys?.expire(sinceTs, keys) ?? 0;
      // There may be more of this one; it stays first.
      if (keys <= 0) return;
      this.#rooms.delete(room);
      if (room.keys !== undefined && room.keys.size > 0) this.#rooms.add(room);
      else room.keys = undefined;
    }
  }
}
