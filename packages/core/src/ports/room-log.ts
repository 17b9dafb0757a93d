/**
 * The log of a node, seen from the rooms: one writer (the journal thread) and any number of readers (gateways, the
 * sequencer). A room's log is a sequence of TLV records (danmaku and delete) with increasing offsets. The same
 * contract suite (`room-log.contract.ts`) runs on every implementation.
 *
 * Offsets after a crash. The sequencer may run ahead of the journal by at most `burn` offsets per room, so after an
 * unclean stop some offsets above the stored head may have been seen by viewers although they are lost. The store
 * counts unclean starts in `generation`, and remembers with each room the generation its newest record was written in.
 * A room's effective head is therefore
 *
 *     head = storedHead + burn * (generation - generationOfRoom)
 *
 * and numbering goes on above it. The formula is cumulative, so it holds through any number of crashes without
 * writing to the rooms at a start.
 */

import type { Sanction, SanctionReader } from "./sanctions.ts";

/** What the log knows of a room that has records or settings. A room with settings only has the head 0 (or what was burned). */
export interface StoredRoom {
  readonly epoch: string;
  /** Highest offset used or burned, see above. */
  readonly head: number;
  /** Timestamp of the newest record or change of settings, Unix ms. */
  readonly ts: number;
  /** Oldest offset still kept; everything below was trimmed. */
  readonly floor: number;
}

/** A stretch of a room's log, as it goes to a viewer. */
export interface LogPage {
  /**
   * TLV records in order: danmaku and delete records, and `gap` records where offsets will not come (`trimmed` below
   * the floor, `lost` for holes between records). Always whole records. Private to the caller.
   */
  readonly bytes: Uint8Array;
  /** Everything up to and including this offset is accounted for by `bytes` (records or gaps). */
  readonly next: number;
  /** Danmaku and delete records in `bytes`, gaps not counted. */
  readonly count: number;
}

export interface PageLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/** An idempotency key that is still remembered. */
export interface StoredKey {
  readonly uid: string;
  readonly key: string;
  readonly offset: number;
  readonly ts: number;
}

/** A danmaku that waits for its time. */
export interface ScheduledDanmaku {
  /** Names it in its room (a log of one node: in all); given in increasing order, never twice. 1 to 2^31 − 1. */
  readonly number: number;
  readonly room: string;
  /** Unix ms. */
  readonly deliverAt: number;
  /** Its idempotency key; "" = none. */
  readonly key: string;
  /** The danmaku as a TLV record, offset and ts zero. */
  readonly record: Uint8Array;
}

/**
 * Read side. Sees only what is committed; every call sees a consistent state. Throws `StoreError`.
 *
 * Of a log that is far away a stretch may have to be fetched first: then `read` and `positionOfLast` return undefined and
 * call `onReady` once, later, when it is worth asking again. A log that lies on this machine answers at once.
 */
export interface RoomLogReader extends SanctionReader {
  /** The room, or undefined where the log has neither records nor settings of it. Rooms of an outdated life (see `life`) come back with a fresh epoch from the writer's meta data, never the old one. */
  room(name: string): StoredRoom | undefined;
  /**
   * Reads what follows `after`, up to and including `through`. Where fewer offsets than `through` can be accounted for
   * within the limits, `next` says how far it came; a hole that reaches to `through` (burned, nothing stored) is a `gap`.
   * `count` may be 0 while `next` > `after`.
   */
  read(
    name: string,
    after: number,
    through: number,
    limits: PageLimits,
    onReady?: () => void,
  ): LogPage | undefined;
  /** The offset after which the newest `records` stored records (not past `through`) follow; `through` if there are none. */
  positionOfLast(name: string, records: number, through: number, onReady?: () => void): number | undefined;
  /** Keys of the room written at or after `sinceTs` (Unix ms), oldest first, the newest `keysMax` of them. */
  keys(name: string, sinceTs: number, keysMax: number): Iterable<StoredKey>;
  /** The room's settings as they were last committed; "" where it has none. They outlive a change of epoch. */
  settings(name: string): string;
  /** What waits for its time in a room, by time and number, after the place that is named, at most `limit`. */
  scheduled(
    room: string,
    after: { readonly deliverAt: number; readonly number: number },
    limit: number,
  ): readonly ScheduledDanmaku[] | Promise<readonly ScheduledDanmaku[]>;
  /** Whether something waits in the room under this number. */
  isScheduled(room: string, number: number): boolean | Promise<boolean>;
  /** What waits in all rooms, in no order. */
  allScheduled(): Iterable<ScheduledDanmaku>;
  /** The highest number under which anything was ever scheduled; 0 = none. */
  lastScheduled(): number;
  /** Names in alphabetical order after `after` ("" = from the start). */
  list(after: string, limit: number): readonly string[];
  /** Number of rooms with records or settings. */
  count(): number;
  /** Names of rooms whose newest record and settings are older than `ts` (Unix ms), at most `limit`. */
  untouchedSince(ts: number, limit: number): readonly string[];
  close(): void;
}

/** A log that lies on this machine: it answers at once. */
export interface LocalRoomLogReader extends RoomLogReader {
  read(name: string, after: number, through: number, limits: PageLimits): LogPage;
  positionOfLast(name: string, records: number, through: number): number;
  scheduled(
    room: string,
    after: { readonly deliverAt: number; readonly number: number },
    limit: number,
  ): readonly ScheduledDanmaku[];
  isScheduled(room: string, number: number): boolean;
}

/** A run of records of one room with consecutive or increasing offsets, encoded back to back. */
export interface AppendRun {
  readonly room: string;
  readonly epoch: string;
  readonly bytes: Uint8Array;
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** Timestamp of the last record, Unix ms. */
  readonly ts: number;
}

export interface AppendKey extends StoredKey {
  readonly room: string;
}

/** A room's settings, to take the place of those it had. */
export interface AppendSettings {
  readonly room: string;
  /** The room's epoch: that of its runs in the same batch, where it has some. */
  readonly epoch: string;
  /** Highest offset used when they were set. */
  readonly head: number;
  /** Unix ms; counts like a record for when the room was last touched. */
  readonly ts: number;
  /** For the log any text; "" = none. */
  readonly text: string;
}

/** What one group commit writes, all or nothing. `bytes` may lie in shared memory that is stable during the call. */
export interface AppendBatch {
  readonly runs: readonly AppendRun[];
  readonly keys: readonly AppendKey[];
  /** In order: the last of a room counts. Kept also for rooms without records. */
  readonly settings: readonly AppendSettings[];
  /** What waits for its time from now on. Outlives the forgetting of its room. */
  readonly schedule: readonly ScheduledDanmaku[];
  /** Numbers of what waits no longer: taken back, or in `runs` of this very batch. Unknown ones are passed over. */
  readonly unschedule: readonly number[];
  /** In order: the last of a user in a room and of a kind counts; lifted ones are taken out. They outlive the forgetting of their room. */
  readonly sanctions: readonly Sanction[];
  /** Rooms to forget whole (records, keys, settings, epoch), unless they have a record or settings newer than `olderThanTs`. */
  readonly forget: readonly { readonly room: string; readonly olderThanTs: number }[];
}

/** Write side; exactly one. Throws `StoreError`; a failed commit leaves nothing behind and may be tried again. */
export interface RoomLogWriter {
  commit(batch: AppendBatch): void;
  /** Drops keys older than `beforeTs`, or beyond the newest `keysPerRoomMax` of a room; a bounded slice of work per call. */
  expireKeys(beforeTs: number, keysPerRoomMax: number): void;
  /** Marks the stop as clean and closes. */
  close(): void;
}

export type StoreErrorKind = "full" | "read_only" | "damaged" | "newer_version" | "in_use" | "io";

/** The log could not be opened, read or written. `message` tells an operator what to do. */
export class StoreError extends Error {
  readonly kind: StoreErrorKind;
  constructor(kind: StoreErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
    this.kind = kind;
  }
}

/** How strongly a commit is pushed to the disk: `fsync` survives power loss, `os` a crash of the process, `none` likewise but with no sync at any time. */
export type Durability = "fsync" | "os" | "none";
