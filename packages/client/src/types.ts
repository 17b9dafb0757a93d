import type {
  DanmakuError,
  DanmakuRecord,
  DeleteRecord,
  GapRecord,
  HelloRecord,
  PublishRecord,
  StatsRecord,
} from "@danmakud/wire";

/** The constructor that browsers and Bun have as `WebSocket`. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocket;

export interface ClientOptions {
  /** The user's token, asked for before every connection, so that an expired one can be renewed. */
  readonly getToken?: () => string | undefined | Promise<string | undefined>;
  /** Who to be, on a node without sign-in (`--dev`). */
  readonly uid?: string;
  /** Role to have there; default `viewer`. */
  readonly role?: string;
  /** Form of the records: `tlv` (default) takes about a third of the bytes, `json` can be read in a network panel. */
  readonly encoding?: "tlv" | "json";
  /** Where the runtime has none of its own. */
  readonly WebSocket?: WebSocketConstructor;
}

/** A place in a room's log: everything up to and including `offset` has been seen. */
export interface RoomPosition {
  readonly epoch: string;
  readonly offset: number;
}

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

export interface StateChange {
  readonly state: RoomState;
  /** This is not the room's first connection. */
  readonly reconnect: boolean;
  /** With `connected` after a `position` was asked for: whether everything since follows, holes announced. */
  readonly resumed?: boolean;
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
  stats: StatsRecord;
  state: StateChange;
  /** A refusal that belongs to no send, or the reason why the room is left for good. */
  error: DanmakuError;
}

/** What a user writes, as `publish` of the wire without what the SDK adds. Defaults: scroll, #ffffff, 25. */
export type Message = Pick<PublishRecord, "content"> &
  Partial<Omit<PublishRecord, "type" | "id" | "content">>;

/** What became of a send. */
export interface Sent {
  readonly offset: number;
}
