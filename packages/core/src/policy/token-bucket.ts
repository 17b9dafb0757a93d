import { CONNECTIONS_TRACKED_MAX, type RateLimit } from "./limits.ts";

const CAPACITY_START = 64;

/**
 * Token buckets of many connections, one number each: the time at which the bucket will be full again (the virtual
 * scheduling form of the leaky bucket, also known as GCRA: ITU-T I.371, annex A). Time is a parameter, Unix or
 * monotonic ms, as long as it is always the same clock.
 *
 * @hot `take` runs once per message; no allocation.
 */
export class TokenBuckets {
  readonly #tokenMs: number;
  readonly #capacityMs: number;
  #fullAt = new Float64Array(CAPACITY_START);

  constructor(limit: RateLimit) {
    if (!(limit.perSecond > 0) || !(limit.burst >= 1))
      throw new RangeError("a rate and a burst above zero are due");
    this.#tokenMs = 1000 / limit.perSecond;
    this.#capacityMs = limit.burst * this.#tokenMs;
  }

  /** Fills the bucket of a connection; due when its number is given to a new connection. */
  reset(connection: number): void {
    this.#reserve(connection);
    this.#fullAt[connection] = 0;
  }

  /**
   * Takes `count` tokens (all or none) from a connection's bucket. Returns 0 where they were there, else the
   * milliseconds (at least 1) after which they will be; `Infinity` where `count` is more than the bucket ever holds.
   */
  take(connection: number, count: number, nowMs: number): number {
    this.#reserve(connection);
    const cost = count * this.#tokenMs;
    if (cost > this.#capacityMs) return Number.POSITIVE_INFINITY;
    // A clock that was set back must not lock a connection out for longer than an empty bucket would.
    const known = Math.min(this.#fullAt[connection] ?? 0, nowMs + this.#capacityMs);
    const fullAt = Math.max(known, nowMs) + cost;
    // Sums of fractions of a millisecond must not refuse the very last token.
    const waitMs = fullAt - nowMs - this.#capacityMs;
    if (waitMs > 1e-6) return Math.max(1, Math.ceil(waitMs));
    this.#fullAt[connection] = fullAt;
    return 0;
  }

  #reserve(connection: number): void {
    if (connection < this.#fullAt.length) return;
    if (connection >= CONNECTIONS_TRACKED_MAX)
      throw new RangeError(`connection number ${connection} is too high`);
    const grown = new Float64Array(Math.max(this.#fullAt.length * 2, connection + 1));
    grown.set(this.#fullAt);
    this.#fullAt = grown;
  }
}
