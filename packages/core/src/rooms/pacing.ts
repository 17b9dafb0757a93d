/**
 * When a room's new records go out. A socket write is the cost of a delivery, and one frame may hold many records, so
 * a large room gains by gathering for a moment; a small one has nothing to gain and goes out at once.
 */
export interface PacingOptions {
  /**
   * Within this time, ms, a record should have reached the last viewer of its room: the gathering and the pass over the
   * sockets together. Default 20: viewers of a video notice nothing below 50. A pass that takes longer by itself is the
   * bound of the machine.
   */
  readonly latencyTargetMs?: number;
}

/** A pass this short, ms, goes out at once: gathering would cost more latency than it saves work. */
const SHORT_PASS_MS = 1;
/** The share of its own length that even a pass beyond the target leaves for everything else. */
const BREATH = 0.25;
/** Shorter stretches say more about the clock than about the sends. */
const OBSERVED_SENDS_MIN = 16;

export class Pacing {
  readonly #latencyTargetMs: number;
  /** Cost of one send, microseconds; a moving average of what passes took. */
  #sendMicros = 6;

  constructor(options: PacingOptions = {}) {
    this.#latencyTargetMs = options.latencyTargetMs ?? 20;
  }

  /**
   * How long to gather before a room with `live` viewers goes out, ms: what the target leaves beside the pass itself,
   * but no longer than the pass takes, so that half of the time is free at most and the wait stays in proportion.
   */
  gatherMs(live: number): number {
    const passMs = (live * this.#sendMicros) / 1000;
    if (passMs <= SHORT_PASS_MS) return 0;
    return Math.max(Math.min(passMs, this.#latencyTargetMs - passMs), passMs * BREATH);
  }

  /** Learns from a finished stretch of `sends` that took `ms`. */
  observe(sends: number, ms: number): void {
    if (sends < OBSERVED_SENDS_MIN) return;
    const micros = Math.min(Math.max((ms * 1000) / sends, 0.5), 100);
    this.#sendMicros += (micros - this.#sendMicros) / 16;
  }
}
