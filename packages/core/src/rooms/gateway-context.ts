import type { BroadcastConsumer, IngressProducer } from "../memory/index.ts";
import type { SharedUserWindow } from "../policy/index.ts";
import type { Clock, Counters, RoomLogReader } from "../ports/index.ts";
import type { ThreadTimers } from "../timing/index.ts";
import type { Deflate } from "./frame-renderer.ts";
import type { ListedRoom } from "./room-list.ts";

/** What a gateway's rooms are made of; the composition root of the thread fills it in. */
export interface GatewayContext {
  /** Number of this gateway, and which life of it this is (0–255). */
  readonly gateway: number;
  readonly incarnation: number;
  readonly ingress: IngressProducer;
  readonly broadcast: BroadcastConsumer;
  readonly wakeSequencer: () => void;
  /** Makes the thread's loop turn soon. */
  readonly wakeSelf: () => void;
  /** Position in the broadcast ring up to which the journal has committed. */
  readonly durablePosition: () => number;
  /** The journal cannot write at present. */
  readonly isJournalFailing: () => boolean;
  readonly log: RoomLogReader;
  /** Other nodes write to the log too. */
  readonly isLogShared: boolean;
  /** Compresses frames for those who ask for that. */
  readonly deflate: Deflate;
  readonly clock: Clock;
  /** The thread's timers. Its loop turns them, before the hub. */
  readonly timers: ThreadTimers;
  readonly counters: Counters;
  /** Asks the sequencer's thread for rooms in alphabetical order. */
  readonly listRooms: (after: string, limit: number) => Promise<readonly ListedRoom[]>;
  /** Tells the operator of something that a viewer cannot be told in full. */
  readonly report: (message: string, cause: unknown) => void;
  readonly limits: boolean;
  /** Counts users' messages over all gateways; absent where there is only one. */
  readonly users?: SharedUserWindow | undefined;
  readonly contentMax: number;
  readonly roomLingerMs: number;
  /** See `PacingOptions`. */
  readonly latencyTargetMs: number;
}
