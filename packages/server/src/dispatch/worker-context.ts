/** What the parts of a dispatch worker share. */
import type { DispatchStore } from "../adapters/redis/index.ts";
import type { DispatchRoom } from "./dispatch-room.ts";
import type { DispatchMetrics } from "./metrics.ts";
import type { QuietCollector } from "./quiet-collector.ts";
import type { RoomDesk } from "./room-desk.ts";
import type { SinkLogger } from "./sink.ts";

export interface WorkerContext {
  readonly worker: string;
  readonly store: DispatchStore;
  readonly desk: RoomDesk;
  readonly metrics: DispatchMetrics;
  readonly log: SinkLogger;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Unix milliseconds. */
  readonly wallClock: () => number;
  /** Between 0 and 1. */
  readonly random: () => number;
  readonly collector: QuietCollector;
  /** The worker still has the lease of the room's slot, with a margin for clocks. */
  readonly holds: (room: DispatchRoom) => boolean;
  /** Redis says that another worker serves the room by now. */
  readonly onFenced: (room: DispatchRoom) => void;
}

/** Something went wrong with Redis: for logs, which leave out what it is asked. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ").slice(0, 300);
}
