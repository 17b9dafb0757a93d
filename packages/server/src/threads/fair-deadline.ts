import { HEARTBEAT_TICK_MS_MAX } from "@danmakud/core/memory";

/**
 * A deadline for somebody who may not get a processor: only time counts in which it could have run. Neither does what goes
 * beyond `HEARTBEAT_TICK_MS_MAX` between two looks, since then the one who looks was held up too.
 */
export class FairDeadline {
  readonly #waitedMs: () => number;
  readonly #limitMs: number;
  #leftMs: number;
  #lastMs: number;
  #waitedBeforeMs: number;

  /**
   * @param nowMs of a monotonic clock, as are all others.
   * @param waitedMs How long it has waited for a processor in all its life, ms.
   */
  constructor(limitMs: number, nowMs: number, waitedMs: () => number) {
    this.#limitMs = limitMs;
    this.#leftMs = limitMs;
    this.#lastMs = nowMs;
    this.#waitedMs = waitedMs;
    this.#waitedBeforeMs = waitedMs();
  }

  /** Look at it often: several times per `HEARTBEAT_TICK_MS_MAX`. */
  hasPassed(nowMs: number): boolean {
    const passedMs = Math.min(nowMs - this.#lastMs, HEARTBEAT_TICK_MS_MAX);
    const waitedMs = this.#waitedMs();
    // The system tells of a wait when it is over. What is waited for may be several, of which one has gone: then it is less.
    const starvedMs = Math.max(0, waitedMs - this.#waitedBeforeMs);
    this.#leftMs = Math.min(this.#limitMs, this.#leftMs - passedMs + starvedMs);
    this.#lastMs = nowMs;
    this.#waitedBeforeMs = waitedMs;
    return this.#leftMs <= 0;
  }
}
