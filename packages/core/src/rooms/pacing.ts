/**
 * When a room's new records go out. A socket write is the cost of a delivery, and one frame may hold many records, so
 * a large room gains by gathering for a moment; a small one has nothing to gain and goes out at once.
 *
 * A pass gives a viewer all that there is when its turn comes (text and compressed frames: what there was a little before,
 * see `rendersForMin`), so a record waits for its viewer's next turn: what bounds the latency is the time from the beginning of one pass to the beginning of the next.
 */
export interface PacingOptions {
  /**
   * Within this time, ms, a record should have reached the last viewer of its room. Default 20: viewers of a video notice
   * nothing below 50. A pass that takes longer by itself is the bound of the machine.
   */
  readonly latencyTargetMs?: number;
}

/** A pass this short, ms, goes out at once: gathering would cost more latency than it saves work. */
const SHORT_PASS_MS = 1;
/** Of its time a thread gives a room at least one part in so many, where the target would allow it to wait for longer. */
const SHARE_MIN = 4;
/** The share of its own length that even a pass beyond the target leaves for everything else. */
const BREATH = 0.25;
/** Shorter stretches, by either, say more about the clock than about the sends. */
const OBSERVED_SENDS_MIN = 16;
const OBSERVED_MS_MIN = 0.2;

export class Pacing {
  readonly #latencyTargetMs: number;
  /** Cost of one send, microseconds; a moving average of what passes took. */
  #sendMicros = 6;

  constructor(options: PacingOptions = {}) {
    this.#latencyTargetMs = options.latencyTargetMs ?? 20;
  }

  /** Whether a room with `live` viewers goes out at once. */
  isSmall(live: number): boolean {
    return this.#passMs(live) <= SHORT_PASS_MS;
  }

  /**
   * The earliest time for the next pass over `live` viewers after one from `beganAt` to `endedAt`, all monotonic ms: the target
   * after its beginning, but sooner for a room of middling size, so that the wait stays in proportion; and, where the pass
   * takes longer than that, a breath after its end.
   */
  nextAt(live: number, beganAt: number, endedAt: number): number {
    if (this.isSmall(live)) return endedAt;
    const passMs = this.#passMs(live);
    return Math.max(beganAt + Math.min(passMs * SHARE_MIN, this.#latencyTargetMs), endedAt + passMs * BREATH);
  }

  /** Learns from a finished stretch of `sends` that took `ms`. */
  observe(sends: number, ms: number): void {
    if (sends === 0 || (sends < OBSERVED_SENDS_MIN && ms < OBSERVED_MS_MIN)) return;
    const micros = Math.min(Math.max((ms * 1000) / sends, 0.5), 100);
    this.#sendMicros += (micros - this.#sendMicros) / 16;
  }

  #passMs(live: number): number {
    return (live * this.#sendMicros) / 1000;
  }
}
