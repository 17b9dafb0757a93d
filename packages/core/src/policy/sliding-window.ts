import { USER_MESSAGES_MAX, USER_WINDOW_MS, USERS_TRACKED_MAX } from "./limits.ts";

const CAPACITY_START = 64;
/** Slots looked at per call in search of users that have gone quiet: two, so that the table shrinks faster than it grows. */
const SWEEP_SLOTS = 2;

export interface SlidingWindowOptions {
  /** Events allowed in any stretch of `windowMs`; default 20. */
  readonly eventsMax?: number;
  /** Default 5,000. */
  readonly windowMs?: number;
  /** Keys remembered at once; default 65,536. Beyond it, the key under the sweeping hand is forgotten (and counted). */
  readonly keysMax?: number;
}

/**
 * An exact sliding window per key: the times of the last `eventsMax` accepted events, in a ring per key. Refused
 * attempts do not count, so a client that hammers gets its full rate. Time is a parameter (ms, one clock).
 *
 * @hot `take` runs once per message; it allocates only where a key is new.
 */
export class SlidingWindow {
  readonly #eventsMax: number;
  readonly #windowMs: number;
  readonly #keysMax: number;
  readonly #slots = new Map<string, number>();
  readonly #keys: (string | undefined)[] = [];
  readonly #free: number[] = [];
  /** `eventsMax` times per slot; a ring in which `#next` is the oldest. */
  #times: Float64Array;
  #next: Uint16Array;
  #hand = 0;
  #forgotten = 0;

  constructor(options: SlidingWindowOptions = {}) {
    this.#eventsMax = options.eventsMax ?? USER_MESSAGES_MAX;
    this.#windowMs = options.windowMs ?? USER_WINDOW_MS;
    this.#keysMax = options.keysMax ?? USERS_TRACKED_MAX;
    if (!(this.#eventsMax >= 1 && this.#eventsMax < 65_536))
      throw new RangeError("eventsMax must be 1–65,535");
    if (!(this.#windowMs > 0) || !(this.#keysMax >= 1))
      throw new RangeError("windowMs and keysMax must be above zero");
    const capacity = Math.min(CAPACITY_START, this.#keysMax);
    this.#times = new Float64Array(capacity * this.#eventsMax);
    this.#next = new Uint16Array(capacity);
  }

  /** Keys remembered at present. */
  get size(): number {
    return this.#slots.size;
  }

  /** Keys that were dropped although they still counted, because the table was full: each of them got a fresh window. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Counts one event of `key`. Returns 0 where it is within the limit, else the ms (at least 1) until it would be. */
  take(key: string, nowMs: number): number {
    this.expire(nowMs, SWEEP_SLOTS);
    const slot = this.#slots.get(key) ?? this.#add(key);
    const next = this.#next[slot] ?? 0;
    const at = slot * this.#eventsMax + next;
    const oldest = this.#times[at] ?? 0;
    // A time in the future means that the clock was set back; waiting for it could take for ever.
    if (oldest <= nowMs && nowMs - oldest < this.#windowMs) {
      return Math.max(1, Math.ceil(oldest + this.#windowMs - nowMs));
    }
    this.#times[at] = nowMs;
    this.#next[slot] = next + 1 === this.#eventsMax ? 0 : next + 1;
    return 0;
  }

  /** Looks at the next `slotsMax` places and forgets keys that have gone quiet. For tables that may not be used for long. */
  expire(nowMs: number, slotsMax: number): void {
    const slots = Math.min(slotsMax, this.#keys.length);
    for (let looked = 0; looked < slots; looked++) {
      this.#hand = this.#hand + 1 < this.#keys.length ? this.#hand + 1 : 0;
      const key = this.#keys[this.#hand];
      if (key === undefined || nowMs - this.#newest(this.#hand) < this.#windowMs) continue;
      this.#remove(this.#hand, key);
    }
  }

  #newest(slot: number): number {
    const next = this.#next[slot] ?? 0;
    return this.#times[slot * this.#eventsMax + (next === 0 ? this.#eventsMax : next) - 1] ?? 0;
  }

  #remove(slot: number, key: string): void {
    this.#slots.delete(key);
    this.#keys[slot] = undefined;
    this.#free.push(slot);
  }

  #add(key: string): number {
    if (this.#slots.size >= this.#keysMax) {
      const victim = this.#keys[this.#hand];
      if (victim !== undefined) {
        this.#remove(this.#hand, victim);
        this.#forgotten++;
      }
    }
    const slot = this.#free.pop() ?? this.#keys.length;
    this.#reserve(slot);
    this.#keys[slot] = key;
    this.#slots.set(key, slot);
    this.#next[slot] = 0;
    this.#times.fill(Number.NEGATIVE_INFINITY, slot * this.#eventsMax, (slot + 1) * this.#eventsMax);
    return slot;
  }

  #reserve(slot: number): void {
    if (slot < this.#next.length) return;
    const capacity = Math.min(this.#keysMax, Math.max(slot + 1, this.#next.length * 2));
    const times = new Float64Array(capacity * this.#eventsMax);
    times.set(this.#times);
    const next = new Uint16Array(capacity);
    next.set(this.#next);
    this.#times = times;
    this.#next = next;
  }
}
