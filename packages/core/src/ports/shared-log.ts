/**
 * A log that several nodes share: it gives the offsets, and tells every node that shows a room what was written. All
 * calls return at once; answers come later, on the same thread, outside of the call.
 */

/** What the log knows of a room. */
export interface SharedRoomState {
  readonly epoch: string;
  /** Highest offset used or burned. */
  readonly head: number;
  /** Timestamp of the newest record or settings, Unix ms. */
  readonly ts: number;
  /** Text of the settings; "" = none. */
  readonly settings: string;
  /** Revision of the mutes and bans; "" = there are none. */
  readonly sanctions: string;
  /** The log may have lost its newest records; `append` finds out. */
  readonly isInDoubt: boolean;
  /** Viewers on all nodes that are alive. */
  readonly online: number;
  /** In how many ms something that waits in it is due; undefined = nothing waits. */
  readonly dueInMs: number | undefined;
}

/** Records for one room, in order. Must not change until the answer is there: it may be sent more than once. */
export interface SharedBatch {
  /** Grows with each batch of this node in this room; a batch that is sent again keeps it. */
  readonly number: number;
  /** What this node takes the room for: see `SharedRoomState`. Epoch "" = it has shown nothing. */
  readonly epoch: string;
  readonly head: number;
  /** TLV log records back to back, offset and ts not set. */
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Of each record its identity (uid, LF, key) or ""; empty where none has one. */
  readonly identities: readonly string[];
  /** Whether the room's slow mode, if it has one, binds the sender: alike of all records, or of each. */
  readonly isBound: boolean | readonly boolean[];
  /** A change of settings, done only where they are still `expected`. */
  readonly settings?: {
    readonly expected: string;
    readonly wanted: string;
    readonly maxRate: number;
    readonly slowModeMs: number;
  };
}

/** How a batch lies in the log. */
export interface Placement {
  readonly epoch: string;
  /** Head before the batch; offsets between it and `first` are burned. */
  readonly base: number;
  /** Offset of the first record that was taken. */
  readonly first: number;
  readonly ts: number;
  /**
   * A letter per record: `t` taken, `s` taken but left out of what viewers see, `r` repeat, `w` repeat of one that waits for
   * its time, `l` refused because its sender has to wait (slow mode); "" = all taken.
   */
  readonly outcomes: string;
}

export interface SharedAppendResult extends Placement {
  /** `conflict`: the settings were others, and nothing was done. */
  readonly status: "ok" | "conflict";
  readonly taken: number;
  /** Of each `r` offset and ts of the first publish; of a `w` in their place number and time; of an `l` 0 and the ms to wait. */
  readonly repeats: readonly { readonly offset: number; readonly ts: number }[];
  /** Records that were trimmed before the dispatch group had read them. */
  readonly unread: number;
  /** As many replicas have it as were asked for. */
  readonly isReplicated: boolean;
}

/** What another node wrote, as its message tells. */
export interface SharedMessage extends Placement {
  readonly room: string;
  readonly count: number;
  /** The records of the batch, offset and ts not set. The receiver's own. */
  readonly bytes: Uint8Array;
  /** Of records that waited for their time, the number of each. */
  readonly scheduled?: readonly number[];
}

/** Records from the log itself, complete, in order. */
export interface SharedStretch {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Those that waited for their time: number by offset. */
  readonly scheduled?: ReadonlyMap<number, number>;
}

/** What is to wait for its time in one room, or one of them that is to wait no longer. */
export interface SharedSchedule {
  /** As of a `SharedBatch`; the two never have the same one. */
  readonly number: number;
  /** TLV log records back to back, offset and ts not set. */
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Of each record its time, Unix ms. */
  readonly deliverAt: readonly number[];
  /** As of a `SharedBatch`. */
  readonly identities: readonly string[];
  /** Number of one to take back, in place of records. */
  readonly cancel?: number;
}

/** How the log took what is to wait. */
export type SharedScheduleOutcome =
  /** It waits; with `isRepeat` for longer already, under the same key. */
  | {
      readonly kind: "waits";
      readonly scheduled: number;
      readonly deliverAt: number;
      readonly isRepeat: boolean;
    }
  /** Its key is that of a danmaku in the log. */
  | { readonly kind: "repeat"; readonly offset: number; readonly ts: number }
  /** By the clock of the log its time has come: it is to be published. */
  | { readonly kind: "due" }
  /** As many wait in the room as may. */
  | { readonly kind: "full" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "not_found" };

/** What waits in a room. */
export interface SharedWaiting {
  /** In how many ms the first one is due, by the clock of the log; undefined where nothing waits. May be negative. */
  readonly nextInMs: number | undefined;
  /** When that is, Unix ms; 0 where nothing waits. */
  readonly nextAt: number;
  readonly count: number;
  readonly bytes: number;
}

export interface SharedScheduleResult {
  /** One for each record, or for what was to be taken back. */
  readonly outcomes: readonly SharedScheduleOutcome[];
  readonly waiting: SharedWaiting;
  /** As many replicas have it as were asked for. */
  readonly isReplicated: boolean;
}

/** What came due and was put into the log. */
export interface SharedDue {
  /** Of each danmaku, by how many ms it was late. */
  readonly lateMs: readonly number[];
  readonly waiting: SharedWaiting;
  readonly unread: number;
}

/** A room that a node looks after, so that what waits in it is put into the log in time. */
export interface SharedClaim {
  readonly room: string;
  /** Proves the claim; changes with each renewal. */
  readonly claim: string;
}

export interface SharedClaims {
  /** Claimed now, or changed since they were: to be asked what is due. */
  readonly claimed: readonly SharedClaim[];
  /** Claimed as before, under a new proof. */
  readonly kept: readonly SharedClaim[];
  /** No longer this node's to look after. */
  readonly released: readonly string[];
  /** What waits in all rooms. */
  readonly count: number;
  readonly bytes: number;
  /** Why a part of the rooms could not be asked for; nothing is said of those. */
  readonly failure?: Error;
}

/** The answer, or an error where there is none: then it is unknown whether anything was done. */
export type OnShared<Result> = (result: Result | Error) => void;

export interface SharedLog {
  /** Begins to pass on the room's messages; answers once none can be missed any more. */
  subscribe(room: string, onDone: OnShared<undefined>): void;
  unsubscribe(room: string): void;
  append(room: string, batch: SharedBatch, onDone: OnShared<SharedAppendResult>): void;
  /** The room (undefined = there is none). `viewers` is this node's share, undefined where it has none to tell. */
  look(room: string, viewers: number | undefined, onDone: OnShared<SharedRoomState | undefined>): void;
  /** Records after `after`, up to and including `through`, at most `recordsMax`. */
  read(
    room: string,
    after: number,
    through: number,
    recordsMax: number,
    onDone: OnShared<SharedStretch>,
  ): void;
  /** A room of which this node has written for the first time since it opened it. Answers once that is noted. */
  announce(room: string, onDone: OnShared<undefined>): void;
  /** Has danmaku wait for their time. Answers once they are stored, and known to all nodes as waiting. */
  schedule(room: string, batch: SharedSchedule, onDone: OnShared<SharedScheduleResult>): void;
  /** Puts what is due in a room into the log, by the log's clock, at most a batch of it. Nodes that show the room are told. */
  deliverDue(room: string, onDone: OnShared<SharedDue>): void;
  /**
   * Tells of the rooms that this node looks after, with what it knows to wait there (undefined = not known), and takes up
   * others in which something comes due, at most `roomsMax`. `isLast`: it looks after none any more.
   */
  claim(
    held: readonly (SharedClaim & { readonly waiting: SharedWaiting | undefined })[],
    roomsMax: number,
    isLast: boolean,
    onDone: OnShared<SharedClaims>,
  ): void;
  /** The last offset up to `head` whose record is as old as `delayMs`, by the log's clock. */
  visibleHead(room: string, head: number, delayMs: number, onDone: OnShared<number>): void;
  /** The room has new records: wakes those who work behind the log. */
  ring(room: string): void;
}
