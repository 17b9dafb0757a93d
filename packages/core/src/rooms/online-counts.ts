import { NO_TIMER, type ThreadTimers, type TimerKind } from "../timing/index.ts";
import type { ControlFrames } from "./control-frames.ts";
import type { ViewerId } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { ViewerState, type ViewerTable } from "./viewer-table.ts";
import type { WatchedRoom } from "./watched-room.ts";

/** Viewers sent a count per turn, about 0.4 ms: a huge room is told in parts, like everything else. */
const SENDS_PER_TURN_MAX = 64;
/** Viewers looked at per turn whether they are to be told: about 0.2 ms. */
const LOOKS_PER_TURN_MAX = 16_384;
/** How soon to look again for viewers that were told something else a moment ago. */
const AGAIN_MS = 1000;

/** Where the telling of a room stands. */
interface Telling {
  /** Next place in the room's list of viewers. */
  place: number;
  /** Some were told something else less than `statsIntervalMs` ago, or cannot take it now. */
  isOwed: boolean;
}

/** Tells viewers how many they are: what changed, and no viewer more often than every `statsIntervalMs`. */
export class OnlineCounts {
  readonly #table: ViewerTable;
  readonly #control: ControlFrames;
  readonly #timers: ThreadTimers;
  readonly #again: TimerKind;
  /** Rooms to go on with at once; those that wait stand in the timers. */
  readonly #telling = new Map<WatchedRoom, Telling>();

  constructor(
    table: ViewerTable,
    control: ControlFrames,
    timers: ThreadTimers,
    roomOf: (number: number) => WatchedRoom | undefined,
  ) {
    this.#table = table;
    this.#control = control;
    this.#timers = timers;
    this.#again = timers.coarse((number) => {
      const room = roomOf(number);
      if (room !== undefined) this.#tellAll(room);
    });
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
    this.#tellAll(room);
  }

  /** The room goes by another number now. */
  renumbered(room: WatchedRoom): void {
    if (room.tellTimer !== NO_TIMER) this.#tellAll(room);
  }

  forget(room: WatchedRoom): void {
    this.#telling.delete(room);
    this.#timers.cancel(room.tellTimer);
    room.tellTimer = NO_TIMER;
  }

  /** Tells some of those who do not know yet; returns whether there are more at once. */
  turn(now: number): boolean {
    let sends = SENDS_PER_TURN_MAX;
    let looks = LOOKS_PER_TURN_MAX;
    for (const [room, telling] of this.#telling) {
      const place = telling.place;
      sends = this.#tell(room, telling, now, sends, looks);
      looks -= telling.place - place;
      if (sends === 0 || looks <= 0) break;
    }
    this.#control.flush();
    return this.#telling.size > 0;
  }

  #tellAll(room: WatchedRoom): void {
    this.#timers.cancel(room.tellTimer);
    room.tellTimer = NO_TIMER;
    this.#telling.set(room, { place: 0, isOwed: false });
  }

  #tell(room: WatchedRoom, telling: Telling, now: number, sends: number, looksMax: number): number {
    const { viewers, online } = room;
    const { state, toldAt, told } = this.#table;
    const end = Math.min(viewers.length, telling.place + looksMax);
    let left = sends;
    while (telling.place < end && left > 0) {
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
    this.#telling.delete(room);
    if (telling.isOwed) room.tellTimer = this.#timers.set(now + AGAIN_MS, this.#again, room.number);
    return left;
  }

  #note(viewer: ViewerId, online: number, now: number): void {
    this.#table.told[viewer] = online;
    this.#table.toldAt[viewer] = now;
  }
}
