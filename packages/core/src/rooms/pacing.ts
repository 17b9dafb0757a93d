/**
 * When a room's new records go out. A socket write is the cost of a delivery, and one frame may hold many records, so
 * a large room gains by gathering for a moment; a small one has nothing to gain and goes out at once.
 */
export interface PacingOptions {
  /** Longest wait for more, ms; the target for P99 is about twice that. Default 5. */
  readonly gatherMsMax?: number;
  /** Up to this many live viewers a room goes out at once. Default 32: their writes take about 0.2 ms. */
  readonly smallRoomMax?: number;
}

export class Pacing {
  readonly #gatherMsMax: number;
  readonly #smallRoomMax: number;
  /** Cost of one send, microseconds; a moving average of what passes took. */
  #sendMicros = 6;

  constructor(options: PacingOptions = {}) {
    this.#gatherMsMax = options.gatherMsMax ?? 5;
    this.#smallRoomMax = options.smallRoomMax ?? 32;
  }

  /**
   * How long to gather before a room with `live` viewers goes out, ms. As long as its pass takes: half of the time is
   * then left for everything else, and the wait never exceeds what the pass itself costs in latency.
   */
  gatherMs(live: number): number {
    if (live <= this.#smallRoomMax) return 0;
    return Math.min((live * this.#sendMicros) / 1000, this.#gatherMsMax);
  }

  /** Learns from a finished stretch of `sends` that took `ms`. */
  observe(sends: number, ms: number): void {
    if (sends < OBSERVED_SENDS_MIN) return;
    const micros = Math.min(Math.max((ms * 1000) / sends, 0.5), 100);
    this.#sendMicros += (micros - this.#sendMicros) / 16;
  }
}

/** Shorter stretches say more about the clock than about the sends. */
const OBSERVED_SENDS_MIN = 16;
