/** How often something happens per second, over about the last ten: two counters, whatever the rate. */
export class RateMeter {
  #windowStart = 0;
  #inWindow = 0;
  #inWindowBefore = 0;

  /** It happened once. `now` in ms, of one clock. @hot bench/ingest.ts */
  count(now: number): void {
    this.#roll(now);
    this.#inWindow++;
  }

  /** Times per second. */
  rate(now: number): number {
    this.#roll(now);
    const part = (now - this.#windowStart) / WINDOW_MS;
    return (this.#inWindow + this.#inWindowBefore * (1 - part)) / (WINDOW_MS / 1000);
  }

  /** A sliding window of two counters, the older one weighed by the share that is still inside. */
  #roll(now: number): void {
    const age = now - this.#windowStart;
    if (age < WINDOW_MS && age >= 0) return;
    this.#inWindowBefore = age < 2 * WINDOW_MS ? this.#inWindow : 0;
    this.#inWindow = 0;
    this.#windowStart = now - (now % WINDOW_MS);
  }
}

const WINDOW_MS = 10_000;
