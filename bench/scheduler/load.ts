/** The loads of the scenario; times in ms. A linear congruential generator, so that every contestant gets the same. */
export class Chance {
  #state = 12345;

  /** A whole number from 0 to `below` − 1. */
  whole(below: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * below);
  }

  /** From `min` to `max`, each power as likely as the next: timers are mostly short. */
  span(min: number, max: number): number {
    return min * (max / min) ** (this.whole(65_536) / 65_536);
  }
}

export const LOAD = {
  /** Timers pending while insert + fire is measured, and their spans. */
  pendingInFlow: 10_000,
  flowMsMin: 1,
  flowMsMax: 1000,
  /** Timers that wait all the time while lateness is measured, over this long; those that fire are set again. */
  pending: 1_000_000,
  pendingMs: 60_000,
  /** Beside them: so many are set per second, with these spans; of ten as many are taken back before their time. */
  setPerSecond: 50_000,
  mixedMsMin: 1,
  mixedMsMax: 5000,
  takenBackOfTen: 5,
} as const;

export interface Lateness {
  readonly latenessMeanMs: number;
  readonly latenessP50Ms: number;
  readonly latenessP99Ms: number;
  readonly latenessMaxMs: number;
}

/** Lateness in steps of 10 µs, up to 10 s. */
export class LatenessCounts {
  readonly #counts = new Uint32Array(1_000_001);
  #count = 0;
  #sum = 0;
  #max = 0;

  /** @param ms Never negative: a timer that comes early is a fault. */
  add(ms: number): void {
    if (ms < 0) throw new Error(`a timer came ${-ms} ms early`);
    const step = Math.min(1_000_000, Math.floor(ms * 100));
    this.#counts[step] = (this.#counts[step] as number) + 1;
    this.#count++;
    this.#sum += ms;
    this.#max = Math.max(this.#max, ms);
  }

  get count(): number {
    return this.#count;
  }

  result(): Lateness {
    return {
      latenessMeanMs: this.#sum / this.#count,
      latenessP50Ms: this.#percentile(0.5),
      latenessP99Ms: this.#percentile(0.99),
      latenessMaxMs: this.#max,
    };
  }

  #percentile(share: number): number {
    let left = this.#count * share;
    for (let step = 0; step < this.#counts.length; step++) {
      left -= this.#counts[step] as number;
      if (left <= 0) return (step + 1) / 100;
    }
    return this.#max;
  }
}
