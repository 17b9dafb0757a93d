/**
 * Decides which danmaku of a huge room viewers get to see: a token bucket that is filled with `maxRate` tokens per
 * second, one for each danmaku seen. Lower classes must leave a part of the bucket to higher ones, so when more comes
 * than may be seen, a higher class passes before a lower one; `paid` and `system` always pass and take their token.
 */
import { CLASSES, type DanmakuClass } from "@danmakud/wire";
import { ROOM_LIMITS } from "./limits.ts";

/** The share of the bucket that must be there for a class to pass. What passes whatever is there has none. */
const RESERVE: Readonly<Record<DanmakuClass, number | undefined>> = {
  normal: 0.3,
  member: 0.15,
  moderator: 0,
  paid: undefined,
  system: undefined,
};

export class RateSampler {
  readonly #tokensPerMs: number;
  readonly #capacity: number;
  /** Least tokens for each class to pass, by its position in `CLASSES`. */
  readonly #least: Float64Array;
  #tokens: number;
  #filledAt: number;

  /** `maxRate` danmaku per second, above 0. Time in ms of one clock, here and in `passes`. */
  constructor(maxRate: number, now: number) {
    this.#tokensPerMs = maxRate / 1000;
    // At low rates one must fit all the same.
    this.#capacity = Math.max(1, this.#tokensPerMs * ROOM_LIMITS.sampleBurstMs);
    this.#least = Float64Array.from(CLASSES, (name) => {
      const reserve = RESERVE[name];
      return reserve === undefined ? Number.NEGATIVE_INFINITY : reserve * this.#capacity;
    });
    this.#tokens = this.#capacity;
    this.#filledAt = now;
  }

  /** Whether viewers get to see the danmaku of this class (position in `CLASSES`) that comes now. @hot bench/ingest.ts */
  passes(danmakuClass: number, now: number): boolean {
    // A clock that was set back only fills nothing for once.
    if (now > this.#filledAt) {
      this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#filledAt) * this.#tokensPerMs);
    }
    this.#filledAt = now;
    if (this.#tokens <= (this.#least[danmakuClass] as number)) return false;
    // A rush of those that always pass keeps the others out for no longer than the bucket takes to fill.
    this.#tokens = Math.max(this.#tokens - 1, -this.#capacity);
    return true;
  }
}
