/** The rooms of the shared log that are open on this node: by name, and by the numbers under which gateways know them. */
import type { Clock, Counters, SharedLog, SharedRoomState } from "../ports/index.ts";
import type { BroadcastWriter, Origin } from "./broadcast-writer.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import { CLAIM } from "./shared-looks.ts";
import { SharedRoom } from "./shared-room.ts";
import type { SharedSanctionRooms } from "./shared-sanctions.ts";

export interface SharedRoomsOptions {
  readonly log: SharedLog;
  readonly sanctions: SharedSanctionRooms;
  readonly writer: BroadcastWriter;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly roomsMax: number;
  readonly roomLingerMs: number;
  /** A room is open now. */
  readonly onOpened: (room: SharedRoom) => void;
  /** A room is let go of. */
  readonly onForgotten: (room: SharedRoom) => void;
  readonly onFailure: (cause: Error) => void;
  /** Writes an answer once the ring has room for it. */
  readonly later: (write: () => void) => void;
}

export class SharedRooms {
  readonly #options: SharedRoomsOptions;
  readonly #byName = new Map<string, SharedRoom>();
  /** Also by numbers that the rooms had before. */
  readonly #byNumber = new Map<number, SharedRoom>();
  #nextNumber = 0;

  constructor(options: SharedRoomsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byName.size;
  }

  get byName(): ReadonlyMap<string, SharedRoom> {
    return this.#byName;
  }

  get(number: number): SharedRoom | undefined {
    return this.#byNumber.get(number);
  }

  /** Opens a room, or says why not. */
  open(name: string, origin: Origin): void {
    const { log, writer, clock, sanctions, roomsMax } = this.#options;
    const open = this.#byName.get(name);
    if (open?.state === "open") {
      open.touchedAt = clock.monotonic();
      this.#admit(open, origin);
      return;
    }
    if (open !== undefined) {
      open.waiters.push(origin);
      return;
    }
    if (this.#byName.size >= roomsMax) {
      writer.refuse(origin, "overloaded");
      return;
    }
    const room = new SharedRoom(this.#takeNumber(), name, clock.monotonic());
    room.waiters.push(origin);
    this.#byName.set(name, room);
    this.#byNumber.set(room.number, room);
    // Subscribed first: what is written after the look comes as a message.
    log.subscribe(name, (subscribed) => {
      if (subscribed instanceof Error) return this.#refuseAll(room, subscribed);
      sanctions.opening(name, (failure) => {
        if (failure !== undefined) return this.#refuseAll(room, failure);
        this.#look(room);
      });
    });
  }

  /** The room goes on in another epoch or after a jump: under a new number, by which gateways ask for it anew. */
  moved(room: SharedRoom): void {
    this.#options.counters.add(METRICS.roomsMoved, 1);
    this.#options.writer.closed(room.number);
    room.numbers.push(room.number);
    if (room.numbers.length > SHARED_LIMITS.pastEpochsMax)
      this.#byNumber.delete(room.numbers.shift() as number);
    room.number = this.#takeNumber();
    this.#byNumber.set(room.number, room);
    room.clearViewers();
  }

  /** Lets go of a room that nobody has used for the linger time. */
  letGoIdle(room: SharedRoom, now: number): void {
    if (room.state !== "open" || room.viewers > 0 || room.batches.length > 0) return;
    const lingerMs = this.#options.roomLingerMs + ROOM_LIMITS.lingerMarginMs;
    if (now - room.touchedAt < lingerMs || room.toldViewers > 0 || room.isLooking) return;
    this.#forget(room);
    this.#options.writer.closed(room.number);
  }

  #look(room: SharedRoom): void {
    const { name } = room;
    const { log } = this.#options;
    log.look(name, undefined, (state) => {
      if (state instanceof Error) return this.#refuseAll(room, state);
      if (state !== undefined && !state.isInDoubt) return this.#opened(room, state);
      // A new room, or one whose newest records may be lost: the log decides how it goes on.
      log.append(name, CLAIM, (result) => {
        if (result instanceof Error) return this.#refuseAll(room, result);
        const { epoch, first, ts } = result;
        const { settings, sanctions, online } = state ?? { settings: "", sanctions: "", online: 0 };
        const known = { settings, sanctions, online, isInDoubt: false, dueInMs: undefined };
        this.#opened(room, { epoch, head: first - 1, ts, ...known });
      });
    });
  }

  /** Tells of an open room, after those who are muted or banned there. */
  #admit(room: SharedRoom, origin: Origin): void {
    const { sanctions, clock } = this.#options;
    sanctions.desk.tell(room.name, origin, clock.now(), () => this.#tell(room, origin));
  }

  #opened(room: SharedRoom, state: SharedRoomState): void {
    const { clock, later, onOpened } = this.#options;
    room.state = "open";
    room.begin(state.epoch, state.head);
    room.ringEpoch = state.epoch;
    room.ringHead = state.head;
    room.ts = state.ts;
    room.online = state.online;
    room.configure(state.settings);
    room.toldSettings = room.settingsText;
    room.lookAt = clock.monotonic() + SHARED_LIMITS.lookIntervalMs;
    for (const waiter of room.waiters.splice(0)) later(() => this.#admit(room, waiter));
    onOpened(room);
  }

  #refuseAll(room: SharedRoom, cause: Error): void {
    const { writer, later, onFailure } = this.#options;
    onFailure(cause);
    for (const waiter of room.waiters.splice(0)) later(() => writer.refuse(waiter, "unavailable"));
    this.#forget(room);
  }

  /** Says where the room is; where it is delayed, after asking the log how far viewers may see. */
  #tell(room: SharedRoom, origin: Origin): void {
    const { log, writer, later, onFailure } = this.#options;
    const { delayMs } = room.settings;
    if (delayMs === 0) {
      this.#say(room, origin, undefined);
      return;
    }
    log.visibleHead(room.name, room.ringHead, delayMs, (visible) => {
      if (visible instanceof Error) onFailure(visible);
      later(() => {
        if (visible instanceof Error || room.state === "closed") writer.refuse(origin, "unavailable");
        else this.#say(room, origin, visible);
      });
    });
  }

  #say(room: SharedRoom, origin: Origin, visibleHead: number | undefined): void {
    const { number, name, ringEpoch: epoch, ringHead: head, online, settings } = room;
    const now = this.#options.clock.now();
    const rates = { rate: room.rate(now), sampledRate: room.sampledRate(now) };
    this.#options.writer.room({ number, name, epoch, head, online, settings, ...rates, visibleHead }, origin);
  }

  /** A number that no open room has; they wrap after 2^32 openings. 0 stands for a room that is not open. */
  #takeNumber(): number {
    do this.#nextNumber = (this.#nextNumber + 1) >>> 0;
    while (this.#nextNumber === 0 || this.#byNumber.has(this.#nextNumber));
    return this.#nextNumber;
  }

  #forget(room: SharedRoom): void {
    room.state = "closed";
    this.#byName.delete(room.name);
    for (const number of [...room.numbers, room.number]) this.#byNumber.delete(number);
    this.#options.log.unsubscribe(room.name);
    this.#options.onForgotten(room);
  }
}
