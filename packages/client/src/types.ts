import type {
  DanmakuError,
  DanmakuRecord,
  DeleteRecord,
  GapRecord,
  HelloRecord,
  StatsRecord,
} from "@danmakud/wire";

/**
 * What browsers, Bun, Deno and Node from 22 on have as `WebSocket`. In Node 20 the class of the package `ws` does; without
 * any, the SDK uses event streams.
 */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocket;

/** Why a token is asked for. */
export interface TokenRequest {
  /** The server has just refused the token given last, so a cached one is of no use. */
  readonly refused: boolean;
}

/** How to talk to a service. */
export interface ClientOptions {
  /**
   * The user's token. Asked for before every connection; shortly before the `exp` of the last one, to go over to a new one
   * without a hole; and once more when the server refuses one. Two refusals in a row are final.
   */
  readonly getToken?: (request: TokenRequest) => string | undefined | Promise<string | undefined>;
  /** Who to be, on a node without sign-in (`--dev`). */
  readonly uid?: string;
  /** Role to have there; default `viewer`. */
  readonly role?: string;
  /** Form of the records: `tlv` (default) takes about a third of the bytes, `json` can be read in a network panel. */
  readonly encoding?: "tlv" | "json";
  /**
   * `auto` (default): WebSocket, and event stream with POSTs where two WebSockets in a row failed before their first
   * record while a stream gets through. `websocket` or `sse`: only that.
   */
  readonly transport?: Transport | "auto";
  /** Where the runtime has none of its own. */
  readonly WebSocket?: WebSocketConstructor;
  /** Silence after which the server is asked whether it is there, in milliseconds. Default 25,000. */
  readonly pingAfterMs?: number;
}

/** What a connection runs over. */
export type Transport = "websocket" | "sse";

/** A place in a room's log: everything up to and including `offset` has been seen. */
export interface RoomPosition {
  readonly epoch: string;
  readonly offset: number;
}

/** Where to start in a room. Without any: at the present. */
export interface RoomOptions {
  /** Go on after this place (of an earlier visit). */
  readonly position?: RoomPosition;
  /** Start with the last so many danmaku (≤ 1000, default 0). Without effect beside `position`. */
  readonly last?: number;
}

/**
 * - `connecting`: a connection is being made, `hello` has not arrived.
 * - `connected`: in the room.
 * - `disconnected`: waiting to try again, or done for good where `StateChange.retryInMs` is absent.
 */
export type RoomState = "connecting" | "connected" | "disconnected";

/** A change of the connection's state. */
export interface StateChange {
  readonly state: RoomState;
  /** This is not the room's first connection. */
  readonly reconnect: boolean;
  /** With `connected` after a `position` was asked for: whether everything since follows, holes announced. */
  readonly resumed?: boolean;
  /** With `connected`: what it runs over. */
  readonly transport?: Transport;
  /** With `disconnected`: close code of the connection (1006 = none was received). */
  readonly code?: number;
  readonly reason?: string;
  /** With `disconnected`: wait until the next try. Absent: there will be none. */
  readonly retryInMs?: number;
}

/** What `Room.on` can listen to. */
export interface RoomEvents {
  /** The first record of every connection, and again when the room's log begins a new epoch. */
  joined: HelloRecord;
  /** One danmaku. */
  message: DanmakuRecord;
  /** The danmaku that arrived together, in order; for those who draw once per batch. The same ones as `message`. */
  batch: readonly DanmakuRecord[];
  /** Take danmaku off the screen. */
  deleted: DeleteRecord;
  /** Offsets that will not come. */
  gap: GapRecord;
  /** How many are in the room. */
  stats: StatsRecord;
  state: StateChange;
  /** A refusal that belongs to no send, or the reason why the room is left for good. */
  error: DanmakuError;
}

/** What became of a send. */
export interface Sent {
  /** The danmaku's place in the room. */
  readonly offset: number;
}
