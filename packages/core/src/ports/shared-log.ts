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
  /** A change of settings, done only where they are still `expected`. */
  readonly settings?: { readonly expected: string; readonly wanted: string; readonly maxRate: number };
}

/** How a batch lies in the log. */
export interface Placement {
  readonly epoch: string;
  /** Head before the batch; offsets between it and `first` are burned. */
  readonly base: number;
  /** Offset of the first record that was taken. */
  readonly first: number;
  readonly ts: number;
  /** A letter per record: `t` taken, `s` taken but left out of what viewers see, `r` repeat; "" = all taken. */
  readonly outcomes: string;
}

export interface SharedAppendResult extends Placement {
  /** `conflict`: the settings were others, and nothing was done. */
  readonly status: "ok" | "conflict";
  readonly taken: number;
  /** Of each repeat the first answer. */
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
}

/** Records from the log itself, complete, in order. */
export interface SharedStretch {
  readonly bytes: Uint8Array;
  readonly count: number;
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
  /** The room has new records: wakes those who work behind the log. */
  ring(room: string): void;
}
