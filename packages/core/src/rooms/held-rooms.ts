/** The rooms of a gateway in which something is held back from viewers, and when it is released. */
import type { ThreadTimers, TimerKind } from "../timing/index.ts";
import type { Delivery } from "./delivery.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { Held, HeldRecords, headAt } from "./held-records.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { RoomWindow } from "./room-window.ts";
import type { ViewerTable } from "./viewer-table.ts";
import type { WatchedRoom } from "./watched-room.ts";

/** How soon to go on where there was too much for one go. */
const MORE_MS = 1;
/** How soon to try again where the log could not be read. */
const RETRY_MS = 1000;

export class HeldRooms {
  readonly #context: GatewayContext;
  readonly #delivery: Delivery;
  readonly #timers: ThreadTimers;
  readonly #due: TimerKind;
  readonly #table: ViewerTable;
  readonly #durable: () => number;
  /** Rooms that wait for the disk. */
  readonly #undurable = new Set<WatchedRoom>();

  constructor(
    context: GatewayContext,
    delivery: Delivery,
    table: ViewerTable,
    durable: () => number,
    roomOf: (number: number) => WatchedRoom | undefined,
  ) {
    this.#context = context;
    this.#delivery = delivery;
    this.#timers = context.timers;
    this.#table = table;
    this.#durable = durable;
    this.#due = context.timers.exact((number, now) => {
      const room = roomOf(number);
      if (room === undefined) return;
      // What was released last goes out first, so that a rush of old records pushes nothing out of the window.
      if (room.live > 0 && (room.dueAt !== 0 || room.passAt !== 0)) this.#again(room, now, MORE_MS);
      else this.#release(room, now);
    });
  }

  /** A room has just been opened here, up to its head: holds back what is too young. */
  opened(room: WatchedRoom, position: number, visibleHead: number | undefined): void {
    if (room.delayMs > 0) {
      const { head } = room.window;
      const visible = visibleHead ?? this.#visibleHead(room.name, head, room.delayMs);
      if (visible < head) {
        room.window = new RoomWindow(visible, position);
        room.passedHead = visible;
        room.held = new HeldRecords(head, position);
      }
    }
    this.#wait(room, this.#context.clock.monotonic());
  }

  /** The room goes by another number now. */
  renumbered(room: WatchedRoom): void {
    this.#timers.cancel(room.releaseTimer);
    this.#wait(room, this.#context.clock.monotonic());
  }

  /** The record at word `at` of `words` is the room's next, and may not be seen at once. */
  append(
    room: WatchedRoom,
    words: Int32Array,
    at: number,
    strideBytes: number,
    offset: number,
    position: number,
    isScheduled: boolean,
    now: number,
  ): void {
    room.held ??= new HeldRecords(room.window.head, position);
    const wasEmpty = room.held.head === room.window.head;
    room.held.append(words, at, strideBytes, offset, position, isScheduled);
    if (wasEmpty) this.#release(room, now);
  }

  /** The room's `delayMs` is another one now. */
  configured(room: WatchedRoom, delayMs: number, now: number): void {
    if (room.delayMs === delayMs) return;
    room.delayMs = delayMs;
    this.#timers.cancel(room.releaseTimer);
    if (room.held !== undefined) this.#release(room, now);
  }

  /** More is on disk than before. */
  durable(now: number): void {
    if (this.#undurable.size === 0) return;
    for (const room of [...this.#undurable]) {
      this.#undurable.delete(room);
      this.#release(room, now);
    }
  }

  /** The room is watched no longer. */
  forget(room: WatchedRoom): void {
    this.#undurable.delete(room);
    this.#timers.cancel(room.releaseTimer);
    room.held = undefined;
  }

  #release(room: WatchedRoom, now: number): void {
    const { held } = room;
    if (held === undefined) return;
    const { log, clock, report } = this.#context;
    let state: number;
    try {
      state = held.release({
        window: room.window,
        through: room.delayMs === 0 ? Number.POSITIVE_INFINITY : clock.now() - room.delayMs,
        durable: this.#durable(),
        read: (after, through) => log.read(room.name, after, through, PAGE),
        onShown: () => this.#delivery.appended(room, now),
        onJump: () => this.#jumped(room, now),
      });
    } catch (cause) {
      report(`what is held back in room ${room.name} cannot be read`, cause);
      this.#again(room, now, RETRY_MS);
      return;
    }
    if (state === Held.nothing && room.delayMs === 0) room.held = undefined;
    else if (state === Held.undurable) this.#undurable.add(room);
    else if (state === Held.more) this.#again(room, now, MORE_MS);
    else if (state === Held.young) {
      const waitMs = held.nextAt + room.delayMs - clock.now();
      this.#again(room, now, Math.max(1, waitMs));
    }
  }

  #again(room: WatchedRoom, now: number, waitMs: number): void {
    this.#timers.cancel(room.releaseTimer);
    room.releaseTimer = this.#timers.set(now + waitMs, this.#due, room.number);
  }

  /** All viewers of the room are owed the log's word on the offsets that were left out. */
  #jumped(room: WatchedRoom, now: number): void {
    for (const viewer of room.viewers) this.#table.recovering[viewer] = 1;
    this.#delivery.appended(room, now);
  }

  #wait(room: WatchedRoom, now: number): void {
    if (room.held !== undefined) this.#again(room, now, 0);
  }

  #visibleHead(name: string, head: number, delayMs: number): number {
    const { log, clock, report } = this.#context;
    try {
      return headAt(log, name, head, clock.now() - delayMs);
    } catch (cause) {
      // Rather nothing for the moment than what may not be seen yet.
      report(`history of room ${name} cannot be read`, cause);
      return 0;
    }
  }
}

const PAGE = { recordsMax: ROOM_LIMITS.pageRecordsMax, bytesMax: ROOM_LIMITS.pageBytesMax };
