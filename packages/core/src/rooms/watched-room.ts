import { NO_TIMER, type TimerHandle } from "../timing/index.ts";
import type { HeldRecords } from "./held-records.ts";
import type { ViewerId } from "./hub.ts";
import { RoomWindow } from "./room-window.ts";
import type { SanctionBook } from "./sanction-book.ts";
import { ViewerState, type ViewerTable } from "./viewer-table.ts";
import type { WindowFrames } from "./window-frames.ts";

/** A room as a gateway sees it: its newest records and its viewers on this gateway. */
export class WatchedRoom {
  readonly name: string;
  /** Given by the sequencer, which gives another one when it has let go of the room. */
  number: number;
  readonly epoch: string;
  /** What viewers may see. */
  window: RoomWindow;
  /** What they may not see yet; undefined where they may see everything. */
  held: HeldRecords | undefined;
  /** When that is looked at next. */
  releaseTimer: TimerHandle = NO_TIMER;
  /** When it is looked at next whether it may be let go of; none while it has viewers, from the next look on. */
  lingerTimer: TimerHandle = NO_TIMER;
  /** When viewers are told the count that could not be told at once. */
  tellTimer: TimerHandle = NO_TIMER;
  /** Viewers see what is older than this, ms. */
  delayMs: number;
  /** Mutes and bans that hold here; undefined where there are none. */
  sanctions: SanctionBook | undefined;
  /** Viewers on all gateways, as last announced. */
  online: number;
  /** Viewers: the live ones first, then those opening, behind or blocked. */
  readonly viewers: ViewerId[] = [];
  live = 0;
  /** Viewers that wait for records of the log. */
  readonly behind = new Set<ViewerId>();
  /** Viewer count last told to the sequencer. */
  reported = 0;
  /** Publishes on their way; the room is not let go before they are answered. */
  inFlight = 0;
  /** Last moment it had a viewer or a publish, monotonic ms. */
  usedAt: number;
  /** Where the pass over the live viewers goes on (counting down); 0 = no pass under way. */
  passAt = 0;
  /** The pass is for all of them; else for those with danmaku of their own that others do not see. */
  passIsForAll = true;
  /** Head of the window when the pass began: what came later needs another one. */
  passHead = 0;
  /** Text and compressed frames of the pass under way. */
  passFrames: WindowFrames | undefined;
  /** Offset up to which the last pass for all has brought the viewers. */
  passedHead: number;
  /** When the last pass for all viewers began and ended, monotonic ms. */
  passBeganAt = Number.NEGATIVE_INFINITY;
  passedAt = Number.NEGATIVE_INFINITY;
  /** A pass for all is due at this time, monotonic ms; 0 = nothing to send. */
  dueAt = 0;
  /** A pass for senders is due; 0 = none. */
  sendersDueAt = 0;
  /** What was left out since the last pass for all is announced at this time at the latest; 0 = nothing. */
  gapsDueAt = 0;
  /** The window was filled from the log once, or needs no filling. */
  warmed: boolean;

  constructor(
    name: string,
    number: number,
    epoch: string,
    head: number,
    online: number,
    position: number,
    now: number,
    delayMs: number,
  ) {
    this.delayMs = delayMs;
    this.name = name;
    this.number = number;
    this.epoch = epoch;
    this.online = online;
    this.window = new RoomWindow(head, position);
    this.usedAt = now;
    this.passedHead = head;
    this.warmed = head === 0;
  }

  /** Offset of the newest record, seen or not. */
  get head(): number {
    return this.held === undefined ? this.window.head : this.held.head;
  }

  addViewer(table: ViewerTable, viewer: ViewerId): void {
    table.rooms[viewer] = this;
    table.place[viewer] = this.viewers.length;
    this.viewers.push(viewer);
  }

  removeViewer(table: ViewerTable, viewer: ViewerId): void {
    this.setLive(table, viewer, false);
    this.behind.delete(viewer);
    const last = this.viewers.length - 1;
    this.#swap(table, table.place[viewer] as number, last);
    this.viewers.length = last;
  }

  /** Moves a viewer into or out of the live part of the list. */
  setLive(table: ViewerTable, viewer: ViewerId, live: boolean): void {
    const place = table.place[viewer] as number;
    if (place < this.live === live) return;
    if (live) this.#swap(table, place, this.live++);
    else this.#swap(table, place, --this.live);
  }

  /** Sets a viewer's state and keeps the lists level with it. */
  setState(table: ViewerTable, viewer: ViewerId, state: number): void {
    table.state[viewer] = state;
    this.setLive(table, viewer, state === ViewerState.live);
    if (state === ViewerState.behind) this.behind.add(viewer);
    else this.behind.delete(viewer);
  }

  #swap(table: ViewerTable, a: number, b: number): void {
    if (a === b) return;
    const first = this.viewers[a] as ViewerId;
    const second = this.viewers[b] as ViewerId;
    this.viewers[a] = second;
    this.viewers[b] = first;
    table.place[second] = a;
    table.place[first] = b;
  }
}
