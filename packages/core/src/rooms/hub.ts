/**
 * What a gateway's rooms offer to the faces of the node (WebSocket, HTTP, SSE): join, publish, read. One hub per
 * gateway thread; every call and callback happens on that thread.
 */
import type { DanmakuError, Draft, Role } from "@danmakud/wire";
import type { Sanction, SanctionKind, ScheduledDanmaku } from "../ports/index.ts";
import type { RoomSettings, SettingsPatch } from "./settings.ts";

export type { Role };

/** Who is on the other end. */
export interface Principal {
  readonly uid: string;
  readonly name?: string;
  readonly role: Role;
  /** Rooms the principal may enter; absent = all. */
  readonly rooms?: readonly string[];
}

/** Form in which a viewer gets records. With `-deflate`, frames that gain by it are compressed. */
export type Encoding = "tlv" | "json" | "sse" | "tlv-deflate" | "json-deflate";

/** Where a viewer starts. */
export type StartPosition =
  | { readonly kind: "head" }
  | { readonly kind: "last"; readonly records: number }
  | { readonly kind: "resume"; readonly epoch: string; readonly after: number };

/** The sending end of a viewer. */
export interface ViewerSink {
  /**
   * Takes one frame (`Uint8Array` for tlv, text for json and sse). Returns the bytes taken, −1 where the frame was
   * taken but queued (call `Hub.drained` when the queue is empty again), 0 where it was dropped.
   */
  send(frame: Uint8Array | string): number;
  /**
   * Reads what `send` will need of its own memory, and does nothing. Of thousands of viewers that is in no cache: asked for one by
   * one, each read is waited for by the system call behind it, but reads without one between them overlap.
   */
  touch?(): void;
  /** Asks the other end for a sign of life; absent where the transport needs none. */
  ping?(): void;
  /** `send` and `ping` by one write, which is about half the work of two. */
  sendWithPing?(frame: Uint8Array | string): number;
  /** Ends the viewer's connection with a close code of the contract. Must end in `Hub.leave`. */
  close(code: number, reason: string): void;
}

/** Handle of a viewer within its hub. */
export type ViewerId = number;

export interface RoomInfo {
  readonly room: string;
  readonly epoch: string;
  readonly head: number;
  /** Connections in the room, all threads. */
  readonly online: number;
  /** Danmaku per second, over the last ten seconds. */
  readonly rate: number;
  /** Of those, left out of what viewers see (`maxRate`). */
  readonly sampledRate: number;
  readonly settings: RoomSettings;
}

export interface HistoryPage {
  readonly epoch: string;
  readonly head: number;
  /** TLV danmaku records back to back (no gaps, no deletes). */
  readonly bytes: Uint8Array;
}

export type HistoryQuery = { readonly after: number; readonly limit: number } | { readonly last: number };

export type PublishOutcome =
  | { readonly offset: number; readonly ts: number; readonly epoch: string }
  /** Waits for its time (Unix ms) under this number. */
  | { readonly scheduled: number; readonly deliverAt: number }
  | { readonly error: DanmakuError };

/** What is to be done to a user. */
export interface SanctionOrder {
  readonly kind: SanctionKind;
  /** A room's name, or `SITE`. */
  readonly room: string;
  readonly uid: string;
  /** How long it is to hold from now on; infinite = until it is lifted, 0 = it is lifted. */
  readonly lastsMs: number;
}

export interface Hub {
  /** Enters a room, which opens it. The first frame the sink gets holds `hello`. A refusal arrives as `sink.close`. */
  join(room: string, who: Principal, start: StartPosition, encoding: Encoding, sink: ViewerSink): ViewerId;
  /** A frame from the viewer: text on JSON connections, binary on TLV ones. Answers go to the sink. */
  receive(viewer: ViewerId, frame: string | Uint8Array): void;
  /** A sign of life (pong) from the viewer. */
  heard(viewer: ViewerId): void;
  /** The viewer's queue has run empty. */
  drained(viewer: ViewerId): void;
  /** The connection is gone. */
  leave(viewer: ViewerId): void;
  /** Publishes drafts in order; settles when each is durable or refused. Policy (limits, roles) is applied inside. */
  publish(room: string, who: Principal, drafts: readonly Draft[]): Promise<readonly PublishOutcome[]>;
  /**
   * Changes what the patch names of a room's settings, which opens the room. Settles with the settings that this led to
   * once they are durable; rejects with a `DanmakuError` for those who may not (`forbidden`), or where it cannot be done.
   */
  configure(room: string, who: Principal, patch: SettingsPatch): Promise<RoomSettings>;
  /** Publishes a danmaku of class `system`, for moderators and above; now or, where the draft says so, later. */
  announce(room: string, who: Principal, draft: Draft): Promise<PublishOutcome>;
  /** What waits for its time in a room, by time and number, after the place named. Rejects with `forbidden` below moderator. */
  scheduled(
    room: string,
    who: Principal,
    after: { readonly deliverAt: number; readonly number: number },
    limit: number,
  ): Promise<readonly ScheduledDanmaku[]>;
  /** Takes a scheduled danmaku back. Rejects with `not_found` where none waits under that number in the room. */
  unschedule(room: string, who: Principal, number: number): Promise<void>;
  /**
   * Imposes or lifts a mute or ban; repeating it changes nothing but its end. Settles once that is durable. Rejects with
   * `forbidden` for those who may not, `overloaded` where there are too many already.
   */
  sanction(who: Principal, order: SanctionOrder): Promise<Sanction>;
  /** Those that hold in a room (or on the `SITE`), by uid, after the one named. Rejects with `forbidden` below moderator (admin). */
  sanctions(
    room: string,
    kind: SanctionKind,
    who: Principal,
    after: string,
    limit: number,
  ): Promise<readonly Sanction[]>;
  /** Rejects with `banned` where a principal may not read a room, open or not. */
  refuseBanned(room: string, who: Principal): Promise<void>;
  /** The room, or undefined where it does not exist; does not create it. */
  describe(room: string): Promise<RoomInfo | undefined>;
  /** What viewers may see of a room; `isUndelayed`: also what its `delayMs` still holds back from them. */
  history(room: string, query: HistoryQuery, isUndelayed?: boolean): Promise<HistoryPage | undefined>;
  /** Rooms in alphabetical order after `after`; `next` is the value to go on from, absent at the end. */
  list(
    after: string,
    limit: number,
  ): Promise<{ readonly rooms: readonly RoomInfo[]; readonly next?: string }>;
}
