import type { ControlFrames } from "./control-frames.ts";
import type { ViewerId } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { ViewerState, type ViewerTable } from "./viewer-table.ts";
import type { WatchedRoom } from "./watched-room.ts";

/** Viewers sent a count per turn: a huge room is told in parts, like everything else. */
const SENDS_PER_TURN_MAX = 256;
/** How soon to look again for viewers that were told something else a moment ago. */
const AGAIN_MS = 1000;

/** Where the telling of a room stands. */
interface Telling {
  /** Next place in the room's list of viewers. */
  place: number;
  /** Some were told something else less than `statsIntervalMs` ago, or cannot take it now. */
  isOwed: boolean;
  /** Not before this time, monotonic ms. */
  at: number;
}

/** Tells viewers how many they are: what changed, and no viewer more often than every `statsIntervalMs`. */
export class OnlineCounts {
  readonly #table: ViewerTable;
  readonly #control: ControlFrames;
  readonly #telling = new Map<WatchedRoom, Telling>();

  constructor(table: ViewerTable, control: ControlFrames) {
    this.#table = table;
    this.#control = control;
  }

  /** A viewer gets the count with its `hello`; returns it. */
  greet(viewer: ViewerId, room: WatchedRoom, now: number): number {
    // The newcomer may not be counted yet.
    const online = Math.max(room.online, room.viewers.length);
    this.#note(viewer, online, now);
    return online;
  }

  /** The count of a room has changed. */
  changed(room: WatchedRoom, online: number): void {
    room.online = online;
    this.#telling.set(room, { place: 0, isOwed: false, at: 0 });
  }

  forget(room: WatchedRoom): void {
    this.#telling.delete(room);
  }

  /** Tells some of those who do not know yet; returns whether there are more at once. */
  turn(now: number): boolean {
    let left = SENDS_PER_TURN_MAX;
    for (const [room, telling] of this.#telling) {
      if (telling.at > now) continue;
      left = this.#tell(room, telling, now, left);
      if (left === 0) break;
    }
    this.#control.flush();
    return left === 0;
  }

  #tell(room: WatchedRoom, telling: Telling, now: number, sends: number): number {
    const { viewers, online } = room;
    const { state, toldAt, told } = this.#table;
    let left = sends;
    while (telling.place < viewers.length && left > 0) {
      const viewer = viewers[telling.place++] as ViewerId;
      if (told[viewer] === online) continue;
      const isSoon = now - (toldAt[viewer] as number) < ROOM_LIMITS.statsIntervalMs;
      if (isSoon || state[viewer] !== ViewerState.live) {
        telling.isOwed = true;
        continue;
      }
      this.#control.stats(viewer, online);
      this.#note(viewer, online, now);
      left--;
    }
    if (telling.place < viewers.length) return left;
    if (telling.isOwed) Object.assign(telling, { place: 0, isOwed: false, at: now + AGAIN_MS });
    else this.#telling.delete(room);
    return left;
  }

  #note(viewer: ViewerId, online: number, now: number): void {
    this.#table.told[viewer] = online;
    this.#table.toldAt[viewer] = now;
  }
}
