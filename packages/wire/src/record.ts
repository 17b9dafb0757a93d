/** The records of the protocol as objects: exactly the fields that their JSON form has. */
import type { ErrorCode } from "./codes.ts";

/** Where a danmaku moves. Position = number in TLV. */
export const MODES = ["scroll", "reverse", "top", "bottom"] as const;
export type Mode = (typeof MODES)[number];

/** Classes, lowest first. Position = number in TLV. */
export const CLASSES = ["normal", "member", "moderator", "paid", "system"] as const;
export type DanmakuClass = (typeof CLASSES)[number];

/** Lowest class that is never dropped or sampled out (`paid`). */
export const CLASS_MUST_DELIVER = 3;

/** Why offsets will not come. Position = number in TLV. */
export const GAP_REASONS = ["slow_consumer", "trimmed", "sampled", "lost", "deleted"] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** Any JSON object; shown to viewers as it came. */
export type Attrs = Readonly<Record<string, unknown>>;

/** First record of a connection; sent again when the epoch changes. */
export interface HelloRecord {
  readonly type: "hello";
  readonly room: string;
  readonly epoch: string;
  /** Highest offset used or burned. */
  readonly head: number;
  /** A resume was asked for and everything after it follows. */
  readonly resumed: boolean;
  readonly uid: string;
  /** Unix ms. */
  readonly serverTime: number;
}

/** One comment. */
export interface DanmakuRecord {
  readonly type: "danmaku";
  readonly offset: number;
  /** Unix ms by the server; never decreases with offset. */
  readonly ts: number;
  readonly uid: string;
  readonly content: string;
  readonly mode: Mode;
  /** `#rrggbb`, lower case. */
  readonly color: string;
  readonly size: number;
  readonly class: DanmakuClass;
  readonly name?: string;
  readonly attrs?: Attrs;
}

/** Takes one danmaku (`of`), or all of a user's before this offset (`ofUid`), off the screen. */
export interface DeleteRecord {
  readonly type: "delete";
  readonly offset: number;
  readonly ts: number;
  readonly of?: number;
  readonly ofUid?: string;
}

/** Offsets `from`–`to`, both included, will not come. */
export interface GapRecord {
  readonly type: "gap";
  readonly from: number;
  readonly to: number;
  readonly reason: GapReason;
}

/** Publish `id` is in the room's log under `offset`. */
export interface AckRecord {
  readonly type: "ack";
  readonly id: number;
  readonly offset: number;
}

/** Publish `id` waits for its time; an `ack` follows when it is in the room's log. */
export interface ScheduledRecord {
  readonly type: "scheduled";
  readonly id: number;
  /** Names it in the list of what is scheduled. */
  readonly scheduled: number;
  /** Unix ms. */
  readonly deliverAt: number;
}

/** A refusal; with `id` where it answers a message of the client. */
export interface ErrorRecord {
  readonly type: "error";
  readonly code: ErrorCode;
  readonly message: string;
  readonly id?: number;
  readonly retryAfterMs?: number;
}

export interface StatsRecord {
  readonly type: "stats";
  /** Connections in the room. */
  readonly online: number;
}

export interface PongRecord {
  readonly type: "pong";
  readonly id: number;
}

/** What a user writes; what is left out takes its default. The last six are for moderators and services, as roles allow. */
export interface Message {
  /** 1–200 code points after trimming (the limit is the node's). */
  readonly content: string;
  /** Default `scroll`. */
  readonly mode?: Mode;
  /** `#rrggbb`; default `#ffffff`. */
  readonly color?: string;
  /** 12–64; default 25. */
  readonly size?: number;
  /**
   * Makes the publish idempotent: 1–64 bytes, a repeat within five minutes is answered with the first one's offset. The SDK
   * makes a random one; give one yourself to be able to try again after `unavailable`.
   */
  readonly key?: string;
  /** When to show it, Unix ms; not together with `delayMs`. */
  readonly deliverAt?: number;
  /** How long from now to show it, milliseconds. */
  readonly delayMs?: number;
  readonly uid?: string;
  readonly name?: string;
  readonly class?: DanmakuClass;
  /** Any JSON object, at most 1,024 bytes. */
  readonly attrs?: Attrs;
}

/** A client's comment. */
export interface PublishRecord extends Message {
  readonly type: "publish";
  readonly id: number;
}

export interface PingRecord {
  readonly type: "ping";
  readonly id: number;
}

/** Records that have an offset and live in a room's log. */
export type LogRecord = DanmakuRecord | DeleteRecord;

/** What a server sends. */
export type ServerRecord =
  | HelloRecord
  | DanmakuRecord
  | DeleteRecord
  | GapRecord
  | AckRecord
  | ScheduledRecord
  | ErrorRecord
  | StatsRecord
  | PongRecord;

/** What a client sends. */
export type ClientRecord = PublishRecord | PingRecord;

export type WireRecord = ServerRecord | ClientRecord;
