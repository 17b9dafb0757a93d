/**
 * How long comments take from the server to this page. The clocks of both differ by an unknown amount, which the
 * quickest comment so far bounds; half of the quickest round trip is what even that one took.
 */

/** Comments that the figure is the median of. */
const WINDOW = 15;
/** Later figures count from the quickest of this long, since clocks drift. */
const QUICKEST_OVER_MS = 10 * 60_000;

export class LatencyMeter {
  #differences: number[] = [];
  #quickest = Number.POSITIVE_INFINITY;
  #quickestAtMs = 0;
  #roundTripMs = Number.POSITIVE_INFINITY;

  /** A comment stamped `serverMs` by the server arrived at `nowMs` of this page's clock. */
  arrived(serverMs: number, nowMs: number): void {
    const difference = nowMs - serverMs;
    if (difference <= this.#quickest || nowMs - this.#quickestAtMs > QUICKEST_OVER_MS) {
      this.#quickest = difference;
      this.#quickestAtMs = nowMs;
    }
    this.#differences.push(difference);
    if (this.#differences.length > WINDOW) this.#differences.shift();
  }

  /** A request and its answer took so long. */
  roundTrip(tookMs: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs, tookMs);
  }

  /** Milliseconds; undefined while nothing is known. */
  get latencyMs(): number | undefined {
    const sorted = this.#differences.toSorted((a, b) => a - b);
    const middle = sorted[sorted.length >> 1];
    if (middle === undefined || !Number.isFinite(this.#roundTripMs)) return undefined;
    return Math.round(Math.max(1, middle - this.#quickest + this.#roundTripMs / 2));
  }
}
