import type { Encoding, Principal, ViewerId, ViewerSink } from "./hub.ts";
import { hashUid } from "./left-out-senders.ts";
import type { WatchedRoom } from "./watched-room.ts";

/**
 * What a viewer is doing.
 * - `free`: the number is unused.
 * - `opening`: waits for its room to open; has got nothing yet.
 * - `live`: its cursor moves with the room's window.
 * - `behind`: what it needs has left the window, or never was in it, and is read from the log.
 * - `blocked`: its socket is full; waits for `drained`.
 * - `drained`: its socket has room again; the next turn goes on with it.
 */
export const ViewerState = { free: 0, opening: 1, live: 2, behind: 3, blocked: 4, drained: 5 } as const;

export const ENCODINGS: readonly Encoding[] = ["tlv", "json", "sse", "tlv-deflate", "json-deflate"];
export const TLV = 0;
export const JSON_TEXT = 1;
export const SSE = 2;
export const TLV_DEFLATE = 3;
export const JSON_DEFLATE = 4;

/** Viewers of one gateway, as columns; a viewer is a row number. Rows are reused. */
export class ViewerTable {
  /** Everything up to and including this offset has been sent. */
  cursor = new Float64Array(CAPACITY_START);
  state = new Uint8Array(CAPACITY_START);
  /** Position in `ENCODINGS`. */
  encoding = new Uint8Array(CAPACITY_START);
  /** 1 while the viewer is owed everything since its start (resume, `last`), so that it must not skip. */
  recovering = new Uint8Array(CAPACITY_START);
  /** Place in the room's list of viewers. */
  place = new Int32Array(CAPACITY_START);
  /** Monotonic ms of the last sign of life, and of the moment its socket was full. */
  heardAt = new Float64Array(CAPACITY_START);
  blockedAt = new Float64Array(CAPACITY_START);
  /** The timer that looks after the viewer; 0 = none. */
  watchTimer = new Float64Array(CAPACITY_START);
  /** 1 while a timer is set that looks whether the socket is still full. */
  stuckWatched = new Uint8Array(CAPACITY_START);
  /** 1 where the next frame takes a ping along. */
  pingOwed = new Uint8Array(CAPACITY_START);
  /** Monotonic ms of the last ping that went out. */
  askedAt = new Float64Array(CAPACITY_START);
  /** Viewer count last told, and when, monotonic ms. */
  told = new Int32Array(CAPACITY_START);
  toldAt = new Float64Array(CAPACITY_START);
  /** Hash of the uid, to find senders among viewers. */
  uidHash = new Uint32Array(CAPACITY_START);
  /** Counts the lives of a row, so that a late answer does not reach its next tenant. */
  serial = new Uint32Array(CAPACITY_START);
  readonly sinks: (ViewerSink | undefined)[] = [];
  readonly rooms: (WatchedRoom | undefined)[] = [];
  readonly principals: (Principal | undefined)[] = [];
  /** Rows ever used. */
  rows = 0;
  count = 0;
  readonly #free: number[] = [];

  add(sink: ViewerSink, who: Principal, encoding: Encoding, now: number): ViewerId {
    const viewer = this.#free.pop() ?? this.rows++;
    if (viewer >= this.state.length) this.#grow();
    this.sinks[viewer] = sink;
    this.principals[viewer] = who;
    this.rooms[viewer] = undefined;
    this.cursor[viewer] = 0;
    this.state[viewer] = ViewerState.opening;
    this.encoding[viewer] = ENCODINGS.indexOf(encoding);
    this.recovering[viewer] = 0;
    this.uidHash[viewer] = hashUid(who.uid);
    this.heardAt[viewer] = now;
    this.pingOwed[viewer] = 0;
    this.askedAt[viewer] = 0;
    this.blockedAt[viewer] = 0;
    this.count++;
    return viewer;
  }

  remove(viewer: ViewerId): void {
    this.state[viewer] = ViewerState.free;
    this.serial[viewer] = (this.serial[viewer] as number) + 1;
    this.sinks[viewer] = undefined;
    this.rooms[viewer] = undefined;
    this.principals[viewer] = undefined;
    this.#free.push(viewer);
    this.count--;
  }

  #grow(): void {
    const capacity = this.state.length * 2;
    this.cursor = grown(this.cursor, new Float64Array(capacity));
    this.state = grown(this.state, new Uint8Array(capacity));
    this.encoding = grown(this.encoding, new Uint8Array(capacity));
    this.recovering = grown(this.recovering, new Uint8Array(capacity));
    this.place = grown(this.place, new Int32Array(capacity));
    this.heardAt = grown(this.heardAt, new Float64Array(capacity));
    this.blockedAt = grown(this.blockedAt, new Float64Array(capacity));
    this.watchTimer = grown(this.watchTimer, new Float64Array(capacity));
    this.stuckWatched = grown(this.stuckWatched, new Uint8Array(capacity));
    this.pingOwed = grown(this.pingOwed, new Uint8Array(capacity));
    this.askedAt = grown(this.askedAt, new Float64Array(capacity));
    this.uidHash = grown(this.uidHash, new Uint32Array(capacity));
    this.told = grown(this.told, new Int32Array(capacity));
    this.toldAt = grown(this.toldAt, new Float64Array(capacity));
    this.serial = grown(this.serial, new Uint32Array(capacity));
  }
}

const CAPACITY_START = 64;

function grown<T extends { set(from: T): void }>(from: T, into: T): T {
  into.set(from);
  return into;
}
