/** Objects that have to have come or gone before it is worth a collection: some 5 MB of viewers and windows. */
const CHANGED_MIN = 2000;
/** After this long without a change, what has come is there to stay. */
const SETTLED_MS = 2000;
/** A collection stops the thread for some tens of milliseconds. */
const INTERVAL_MS = 5000;
/** Sockets and requests let go of each other in turns: the first collection was measured to leave a third of it. */
const COLLECTIONS = 4;

/**
 * Gives memory back that the start of a thread, and the coming and going of many viewers and rooms, have left behind. A
 * thread that has nothing to do allocates nothing, and so the runtime would see no reason to collect it.
 */
export class Shrink {
  #objects = 0;
  #changedAt = Number.NEGATIVE_INFINITY;
  #peak = 0;
  /** Objects when the last collections were decided on. */
  #kept = 0;
  #left = 1;
  #collectedAt = 0;

  /** `objects`: viewers and rooms at present; `now`: monotonic ms. */
  look(objects: number, now: number): void {
    if (objects !== this.#objects) this.#changedAt = now;
    this.#objects = objects;
    this.#peak = Math.max(this.#peak, objects);
    if (this.#hasSettled(now) || this.#hasShrunk()) {
      this.#kept = objects;
      this.#peak = objects;
      this.#left = COLLECTIONS;
    }
    if (this.#left === 0 || now - this.#collectedAt < INTERVAL_MS) return;
    this.#left--;
    this.#collectedAt = now;
    Bun.gc(true);
  }

  #hasSettled(now: number): boolean {
    return Math.abs(this.#objects - this.#kept) >= CHANGED_MIN && now - this.#changedAt >= SETTLED_MS;
  }

  #hasShrunk(): boolean {
    return this.#objects <= this.#peak / 2 && this.#peak - this.#objects >= CHANGED_MIN;
  }
}
