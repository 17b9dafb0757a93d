/** How viewers come into rooms, move from one life of a room to the next, and leave. */
import { CLOSE_CODES, CLOSE_TRY_AGAIN_LATER, DanmakuError } from "@danmakud/wire";
import { mayEnter } from "../policy/index.ts";
import type { ControlFrames } from "./control-frames.ts";
import type { Delivery } from "./delivery.ts";
import { EarlyResumes } from "./early-resumes.ts";
import type { GatewayContext } from "./gateway-context.ts";
import type { Encoding, Principal, StartPosition, ViewerId, ViewerSink } from "./hub.ts";
import { METRICS } from "./metrics.ts";
import type { OnlineCounts } from "./online-counts.ts";
import type { RoomRegistry } from "./room-registry.ts";
import type { SanctionGate } from "./sanction-gate.ts";
import type { ViewerMessages } from "./viewer-messages.ts";
import { ViewerState, type ViewerTable } from "./viewer-table.ts";
import type { ViewerWatch } from "./viewer-watch.ts";
import type { WatchedRoom } from "./watched-room.ts";

/** The parts of the gateway that a viewer has to do with. */
export interface EntranceParts {
  readonly table: ViewerTable;
  readonly rooms: RoomRegistry;
  readonly delivery: Delivery;
  readonly control: ControlFrames;
  readonly messages: ViewerMessages;
  readonly online: OnlineCounts;
  readonly watch: ViewerWatch;
  readonly gate: SanctionGate;
}

export class ViewerEntrance {
  readonly #context: GatewayContext;
  readonly #table: ViewerTable;
  readonly #rooms: RoomRegistry;
  readonly #delivery: Delivery;
  readonly #control: ControlFrames;
  readonly #messages: ViewerMessages;
  readonly #online: OnlineCounts;
  readonly #watch: ViewerWatch;
  readonly #gate: SanctionGate;
  readonly #early: EarlyResumes;

  constructor(context: GatewayContext, parts: EntranceParts) {
    this.#context = context;
    this.#table = parts.table;
    this.#rooms = parts.rooms;
    this.#delivery = parts.delivery;
    this.#control = parts.control;
    this.#messages = parts.messages;
    this.#online = parts.online;
    this.#watch = parts.watch;
    this.#gate = parts.gate;
    this.#early = new EarlyResumes(
      parts.rooms,
      (...viewer) => this.#admit(...viewer),
      (viewer, name, start) =>
        this.#enter(viewer, name, (room) => {
          this.#admit(viewer, room, start);
        }),
    );
  }

  /** Lets in those who had to wait for what they have seen elsewhere. */
  turn(now: number): void {
    this.#early.turn(now);
  }

  join(name: string, who: Principal, start: StartPosition, encoding: Encoding, sink: ViewerSink): ViewerId {
    const now = this.#context.clock.monotonic();
    const viewer = this.#table.add(sink, who, encoding, now);
    this.#watch.joined(viewer, now);
    this.#messages.joined(viewer);
    if (!mayEnter(who, name)) {
      sink.close(CLOSE_CODES.unauthorized, `not admitted to room ${name}`);
      return viewer;
    }
    this.#enter(viewer, name, (room) => {
      if (!this.#isEarly(viewer, room, start)) this.#admit(viewer, room, start);
    });
    return viewer;
  }

  leave(viewer: ViewerId): void {
    if (this.#table.state[viewer] === ViewerState.free) return;
    const room = this.#table.rooms[viewer];
    if (room !== undefined) {
      room.removeViewer(this.#table, viewer);
      room.usedAt = this.#context.clock.monotonic();
      this.#delivery.forget(room);
      this.#rooms.changed(room);
      if (room.viewers.length === 0) this.#online.forget(room);
    }
    this.#watch.left(viewer);
    this.#messages.left(viewer);
    this.#table.remove(viewer);
  }

  /**
   * The viewers of a room belong in another one of the same name. Where it has the same epoch they go on where they
   * are, whatever it got meanwhile; a new life is told by a new `hello`, and they go on at its head.
   */
  replace(room: WatchedRoom, replacement: WatchedRoom | DanmakuError): void {
    this.#online.forget(room);
    for (const viewer of [...room.viewers]) {
      room.removeViewer(this.#table, viewer);
      this.#delivery.forget(room);
      if (replacement instanceof DanmakuError) {
        this.#table.rooms[viewer] = undefined;
        this.#table.sinks[viewer]?.close(CLOSE_TRY_AGAIN_LATER, replacement.message);
      } else if (replacement.epoch === room.epoch) {
        this.#move(viewer, replacement);
      } else {
        this.#table.state[viewer] = ViewerState.opening;
        this.#admit(viewer, replacement, { kind: "head" });
      }
    }
  }

  /** Opens a room for a viewer, or tells it why that cannot be. */
  #enter(viewer: ViewerId, name: string, onRoom: (room: WatchedRoom) => void): void {
    const serial = this.#table.serial[viewer];
    this.#rooms.open(name, (room) => {
      if (this.#table.serial[viewer] !== serial) return;
      if (!(room instanceof DanmakuError)) onRoom(room);
      else this.#table.sinks[viewer]?.close(CLOSE_TRY_AGAIN_LATER, `${room.code}: ${room.message}`);
    });
  }

  /** Goes on in `room` at the viewer's cursor, owed everything after it. */
  #move(viewer: ViewerId, room: WatchedRoom): void {
    const isBlocked = this.#table.state[viewer] === ViewerState.blocked;
    room.addViewer(this.#table, viewer);
    this.#rooms.changed(room);
    this.#table.recovering[viewer] = 1;
    if (isBlocked) return;
    this.#table.state[viewer] = ViewerState.opening;
    this.#delivery.start(room, viewer);
  }

  /** Only where others write too can a viewer know more than this node. */
  #isEarly(viewer: ViewerId, room: WatchedRoom, start: StartPosition): boolean {
    if (!this.#context.isLogShared) return false;
    const serial = this.#table.serial[viewer];
    const isStill = () => this.#table.serial[viewer] === serial;
    return this.#early.take(viewer, room, start, isStill, this.#context.clock.monotonic());
  }

  #admit(viewer: ViewerId, room: WatchedRoom, start: StartPosition): void {
    const { clock, counters } = this.#context;
    const { window } = room;
    if (this.#isBanned(viewer, room)) return;
    room.addViewer(this.#table, viewer);
    this.#rooms.changed(room);
    const resumed = start.kind === "resume" && start.epoch === room.epoch && start.after <= room.head;
    let cursor = window.head;
    if (resumed) cursor = start.after;
    else if (start.kind === "last" && start.records > 0) {
      const reachesStart = window.first === 1;
      if (start.records <= window.count || reachesStart) cursor = window.positionOfLast(start.records);
      else cursor = -start.records;
    }
    this.#table.cursor[viewer] = cursor;
    this.#table.recovering[viewer] = cursor < window.head ? 1 : 0;
    counters.add(METRICS.joins, 1);
    if (resumed) counters.add(METRICS.resumes, 1);
    const online = this.#online.greet(viewer, room, clock.monotonic());
    this.#control.hello(viewer, room, { resumed, cursor, online, serverTime: clock.now() });
    if (this.#table.state[viewer] !== ViewerState.opening) return;
    this.#delivery.start(room, viewer);
    this.#messages.admitted(viewer);
  }

  /** Closes a viewer that may not be in the room. */
  #isBanned(viewer: ViewerId, room: WatchedRoom): boolean {
    const who = this.#table.principals[viewer];
    const banned = who === undefined ? undefined : this.#gate.entry(room, who);
    if (banned === undefined) return false;
    // It may just have left the former life of the room.
    this.#table.rooms[viewer] = undefined;
    this.#table.sinks[viewer]?.close(CLOSE_CODES.banned, banned.message);
    return true;
  }
}
