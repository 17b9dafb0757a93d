import { DanmakuError } from "@danmakud/wire";
import type { Clock, Counters, Random } from "../ports/index.ts";
import { METRICS } from "../rooms/metrics.ts";
import { HANDSHAKES } from "./limits.ts";

export interface HandshakeGateOptions {
  /** Handshakes let in per second, sustained. */
  readonly perSecond: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly counters: Counters;
  /** Somebody has begun to wait: `turn` is due by `nextDueAt`. */
  readonly onWaiting: () => void;
}

/** One who waits. */
interface Waiter {
  readonly until: number;
  readonly isGone: () => boolean;
  readonly settle: (refusal: DanmakuError | undefined) => void;
}

/**
 * Lets handshakes of one thread in at a bounded rate, so that a storm of joins leaves time for those who are there
 * already. What comes faster waits in a bounded queue, first come first served; who finds it full, or has waited for
 * too long, is sent away with a time to come back that differs from one to the next.
 *
 * The rate is a token bucket. `turn`, called by the thread's loop, lets the next ones in, a bounded number each time.
 */
export class HandshakeGate {
  readonly #options: HandshakeGateOptions;
  readonly #queueMax: number;
  readonly #queue: (Waiter | undefined)[] = [];
  /** Index of the first waiter; those before it are gone. */
  #first = 0;
  readonly #burst: number;
  readonly #batch: number;
  #tokens: number;
  #filledAt: number;
  /** The last turn had its fill before it was through; the next one need not wait for a batch. */
  #isCut = false;

  constructor(options: HandshakeGateOptions) {
    this.#options = options;
    this.#queueMax = Math.ceil((options.perSecond * HANDSHAKES.waitMsMax) / 1000);
    this.#burst = Math.max(1, (options.perSecond * HANDSHAKES.burstMs) / 1000);
    this.#batch = Math.min(
      HANDSHAKES.perTurnMax,
      Math.max(1, (options.perSecond * HANDSHAKES.batchMs) / 1000),
    );
    this.#tokens = this.#burst;
    this.#filledAt = options.clock.monotonic();
  }

  /** Handshakes that wait. */
  get waiting(): number {
    return this.#queue.length - this.#first;
  }

  /**
   * One handshake. Undefined: go on at once. Else a promise of undefined (go on) or of the refusal; it never rejects.
   * @param isGone Asked when it is this one's turn: nobody waits for the answer any more.
   */
  enter(isGone: () => boolean): Promise<DanmakuError | undefined> | undefined {
    const { clock, counters, onWaiting } = this.#options;
    const now = clock.monotonic();
    this.#fill(now);
    if (this.waiting === 0 && this.#tokens >= 1) {
      this.#tokens--;
      counters.add(METRICS.handshakes, 1);
      return undefined;
    }
    if (this.waiting >= this.#queueMax) {
      counters.add(METRICS.handshakesOverflowed, 1);
      return Promise.resolve(this.#refusal("too many connections are being opened at once"));
    }
    counters.add(METRICS.handshakesDelayed, 1);
    const { promise, resolve } = Promise.withResolvers<DanmakuError | undefined>();
    this.#queue.push({ until: now + HANDSHAKES.waitMsMax, isGone, settle: resolve });
    onWaiting();
    return promise;
  }

  /** Lets in whose turn it is and sends away who waited too long. Bounded; returns whether there is more to do at once. */
  turn(): boolean {
    if (this.waiting === 0) return false;
    const { clock, counters } = this.#options;
    const now = clock.monotonic();
    this.#fill(now);
    if (!this.#isCut && now < this.nextDueAt()) return false;
    let looked = 0;
    while (this.waiting > 0 && looked < HANDSHAKES.perTurnMax) {
      const waiter = this.#queue[this.#first] as Waiter;
      const isLate = now >= waiter.until;
      if (!isLate && this.#tokens < 1) break;
      looked++;
      this.#queue[this.#first++] = undefined;
      if (waiter.isGone()) {
        counters.add(METRICS.handshakesGone, 1);
        waiter.settle(this.#refusal("the client is gone"));
      } else if (isLate) {
        counters.add(METRICS.handshakesExpired, 1);
        waiter.settle(this.#refusal("connections are opened faster than they can be let in"));
      } else {
        this.#tokens--;
        counters.add(METRICS.handshakes, 1);
        waiter.settle(undefined);
      }
    }
    this.#compact();
    this.#isCut = looked === HANDSHAKES.perTurnMax && this.waiting > 0;
    return this.#isCut;
  }

  /** When `turn` finds something to do, monotonic ms. */
  nextDueAt(): number {
    const waiter = this.#queue[this.#first];
    if (waiter === undefined) return Number.POSITIVE_INFINITY;
    const missing = Math.min(this.#batch, this.waiting) - this.#tokens;
    return Math.min(waiter.until, this.#filledAt + (missing * 1000) / this.#options.perSecond);
  }

  /** Sends away everybody who waits: the node is going down. */
  close(): void {
    for (; this.#first < this.#queue.length; this.#first++) {
      this.#queue[this.#first]?.settle(this.#refusal("the node is going down"));
    }
    this.#compact();
  }

  #fill(now: number): void {
    const gained = (Math.max(0, now - this.#filledAt) * this.#options.perSecond) / 1000;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    this.#filledAt = now;
  }

  /** Each is told another time, so that they do not come back as the storm they were. */
  #refusal(message: string): DanmakuError {
    const { retryMsMin, retryMsSpread } = HANDSHAKES;
    const retryAfterMs = Math.round(retryMsMin + this.#options.random.fraction() * retryMsSpread);
    return new DanmakuError("overloaded", message, { retryAfterMs });
  }

  /** Gives back the part of the array that was worked off, at most once per as many waiters as are left. */
  #compact(): void {
    if (this.#first < HANDSHAKES.perTurnMax || this.#first * 2 < this.#queue.length) return;
    this.#queue.splice(0, this.#first);
    this.#first = 0;
  }
}
