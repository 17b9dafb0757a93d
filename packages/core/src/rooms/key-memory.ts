/** First answer to a keyed publish. */
export interface FirstAnswer {
  readonly offset: number;
  readonly ts: number;
}

/**
 * The idempotency keys of one room, oldest first. Bounded: the oldest go when there are too many. Those too old in time
 * are not found, and go as newer ones come.
 */
export class KeyMemory {
  readonly #answers = new Map<string, FirstAnswer>();
  readonly #keysMax: number;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  /** The first answer, unless it is older than `sinceTs` (Unix ms). */
  find(identity: string, sinceTs: number): FirstAnswer | undefined {
    this.#expire(sinceTs);
    const answer = this.#answers.get(identity);
    return answer !== undefined && answer.ts >= sinceTs ? answer : undefined;
  }

  remember(identity: string, offset: number, ts: number): void {
    this.#answers.delete(identity);
    this.#answers.set(identity, { offset, ts });
    if (this.#answers.size > this.#keysMax) this.#dropOldest();
  }

  /** Timestamps never decrease within a room, so the oldest keys stand first: two go for each that is asked for. */
  #expire(sinceTs: number): void {
    for (let dropped = 0; dropped < 2; dropped++) {
      const oldest = this.#answers.values().next();
      if (oldest.done === true || oldest.value.ts >= sinceTs) return;
      this.#dropOldest();
    }
  }

  #dropOldest(): void {
    const oldest = this.#answers.keys().next();
    if (oldest.done !== true) this.#answers.delete(oldest.value);
  }
}
