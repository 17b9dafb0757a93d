import type { Sanction } from "./sanctions.ts";
import type { OnShared } from "./shared-log.ts";

/** Mutes and bans of a room, or of the site. */
export interface SharedSanctions {
  /** Another one with each change; "" = there are none. */
  readonly revision: string;
  readonly sanctions: readonly Sanction[];
}

/** Mutes and bans in a log that several nodes share. Answers come as those of `SharedLog`. */
export interface SharedSanctionLog {
  /** Imposes one, or lifts it where `until` is 0, and tells the nodes that have the room open. `full`: there are too many. */
  impose(sanction: Sanction, onDone: OnShared<"ok" | "full">): void;
  /** All of a room (`SITE`: of the site); those that are over may be among them. */
  all(room: string, onDone: OnShared<SharedSanctions>): void;
  revision(room: string, onDone: OnShared<string>): void;
  /** Takes out those that are over at `now`, Unix ms. */
  sweep(room: string, now: number, onDone: OnShared<undefined>): void;
}
