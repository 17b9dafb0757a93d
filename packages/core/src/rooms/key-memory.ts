/** First answer to a keyed publish. */
export interface FirstAnswer {
  readonly offset: number;
  readonly ts: number;
}

/**
 * The idempotency keys of one room, oldest first. Bounded: the oldest go when there are too many. Those too old in time
 * are not found, and go by `expire`.
 */
export class KeyMemory {
  readonly #answers = new Map<string, FirstAnswer>();
  readonly #keysMax: number;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  /** Keys remembered. */
  get size(): number {
    return this.#answers.size;
  }

  /** The first answer, unless it is older than `sinceTs` (Unix ms). */
  find(identity: string, sinceTs: number): FirstAnswer | undefined {
    const answer = this.#answers.get(identity);
    return answer !== undefined && answer.ts >= sinceTs ? answer : undefined;
  }

  /** When the oldest one was remembered, Unix ms; infinite where there is none. */
  get oldestTs(): number {
    for (const { ts } of this.#answers.values()) return ts;
    return Number.POSITIVE_INFINITY;
  }

  remember(identity: string, offset: number, ts: number): void {
    this.#answers.delete(identity);
    this.#answers.set(identity, { offset, ts });
    if (this.#answers.size > this.#keysMax) this.#dropOldest();
  }

  /** Forgets at most `keysMax` keys older than `sinceTs`; returns how many. Timestamps never decrease within a room, so the oldest stand first. */
  expire(sinceTs: number, keysMax: number): number {
    let dropped = 0;
    for (const [identity, { ts }] of this.#answers) {
      if (dropped >= keysMax || ts >= sinceTs) break;
      this.#answers.delete(identity);
      dropped++;
    }
    return dropped;
  }

  #dropOldest(): void {
    const oldest = this.#answers.keys().next();
    if (oldest.done !== true) this.#answers.delete(oldest.value);
  }
}
