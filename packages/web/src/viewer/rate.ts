/** Counts comments over the last minute, in buckets of a few seconds. */

const BUCKET_MS = 5000;
const BUCKETS = 12;

export class RateMeter {
  readonly #counts = new Array<number>(BUCKETS).fill(0);
  #newest = 0;

  /** Adds comments that arrived now. `nowMs` from any clock that does not go back. */
  add(count: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#counts[this.#newest % BUCKETS] = (this.#counts[this.#newest % BUCKETS] ?? 0) + count;
  }

  /** Comments of the last 55–60 seconds. */
  perMinute(nowMs: number): number {
    this.#advance(nowMs);
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  #advance(nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    if (bucket - this.#newest >= BUCKETS) this.#counts.fill(0);
    for (let at = Math.max(this.#newest + 1, bucket - BUCKETS + 1); at <= bucket; at++)
      this.#counts[at % BUCKETS] = 0;
    this.#newest = Math.max(this.#newest, bucket);
  }
}
