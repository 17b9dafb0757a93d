import type { Clock } from "@danmakud/core/ports";
import type { GatewayHub } from "@danmakud/core/rooms";
import { CLOSE_CODES } from "@danmakud/wire";

/** Publishes on their way get this long for their acks. */
const ANSWER_MS_MAX = 8000;
/** Closed connections get this long to finish. */
const CLOSE_MS_MAX = 5000;
/** Viewers are told to come back within this, plus a part for each of them: some 2,000 a second return. */
const RETRY_MS_MIN = 250;
const RETRY_MS_SPREAD = 1000;
const RETRY_MS_PER_VIEWER = 0.5;

/**
 * Sends everybody away in good order. States: `serving` → `answering` (no new connections or publishes; those on their
 * way get their acks) → `closing` (every viewer is told its own time to come back) → `over`.
 */
export class Drain {
  readonly #hub: GatewayHub;
  readonly #clock: Clock;
  #state: "serving" | "answering" | "closing" | "over" = "serving";
  #since = 0;

  constructor(hub: GatewayHub, clock: Clock) {
    this.#hub = hub;
    this.#clock = clock;
  }

  get isBegun(): boolean {
    return this.#state !== "serving";
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  begin(): void {
    if (this.#state !== "serving") return;
    this.#hub.refusePublishes();
    this.#enter("answering");
  }

  tick(): void {
    const waitedMs = this.#clock.monotonic() - this.#since;
    if (this.#state === "answering" && (this.#hub.unanswered === 0 || waitedMs > ANSWER_MS_MAX)) {
      this.#sendAway();
      this.#enter("closing");
    } else if (this.#state === "closing" && (this.#hub.viewers === 0 || waitedMs > CLOSE_MS_MAX)) {
      this.#enter("over");
    }
  }

  #sendAway(): void {
    const spreadMs = RETRY_MS_SPREAD + this.#hub.viewers * RETRY_MS_PER_VIEWER;
    this.#hub.closeAll((sink) => {
      const retryAfterMs = Math.round(RETRY_MS_MIN + Math.random() * spreadMs);
      sink.close(CLOSE_CODES.draining, JSON.stringify({ retryAfterMs }));
    });
  }

  #enter(state: "answering" | "closing" | "over"): void {
    this.#state = state;
    this.#since = this.#clock.monotonic();
  }
}
