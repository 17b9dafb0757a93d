/** Whether a gateway lets somebody in or speak, by the mutes and bans that it was told of. */
import { DanmakuError, DURATION_MS_MAX, type ErrorCode } from "@danmakud/wire";
import { isBoundBySanctions } from "../policy/index.ts";
import type { Clock } from "../ports/index.ts";
import type { Principal } from "./hub.ts";
import { SanctionBook } from "./sanction-book.ts";
import type { WatchedRoom } from "./watched-room.ts";

export class SanctionGate {
  /** Bans from the whole site. */
  readonly site = new SanctionBook();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why a principal may not be in a room; undefined where it may. */
  entry(room: WatchedRoom, who: Principal): DanmakuError | undefined {
    return isBoundBySanctions(who.role) ? this.#banned(room, who.uid) : undefined;
  }

  /**
   * Why nothing may be published by a principal, as `uid` where that is another user; undefined where it may.
   * @hot bench/ingest.ts
   */
  publish(room: WatchedRoom, who: Principal, uid: string | undefined): DanmakuError | undefined {
    if (room.sanctions === undefined && this.site.isEmpty) return undefined;
    const speaker = uid ?? who.uid;
    if (speaker === who.uid && !isBoundBySanctions(who.role)) return undefined;
    const banned = this.#banned(room, speaker);
    if (banned !== undefined) return banned;
    return refusal(
      "muted",
      room.sanctions?.left("mute", speaker, this.#clock.now()) ?? 0,
      "muted in this room",
    );
  }

  #banned(room: WatchedRoom, uid: string): DanmakuError | undefined {
    if (room.sanctions === undefined && this.site.isEmpty) return undefined;
    const now = this.#clock.now();
    return (
      refusal("banned", this.site.left("ban", uid, now), "banned from this site") ??
      refusal("banned", room.sanctions?.left("ban", uid, now) ?? 0, "banned from this room")
    );
  }
}

/**
 * The refusal for what still holds for `leftMs`; undefined where it does not. What has no end says no time to come back;
 * more than the wire can say (49 days) is cut to that.
 */
export function refusal(code: ErrorCode, leftMs: number, message: string): DanmakuError | undefined {
  if (leftMs <= 0) return undefined;
  return new DanmakuError(
    code,
    message,
    Number.isFinite(leftMs) ? { retryAfterMs: Math.min(leftMs, DURATION_MS_MAX) } : {},
  );
}
