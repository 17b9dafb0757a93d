/** Objects that have to have come or gone before it is worth a collection: some 5 MB of viewers and windows. */
const CHANGED_MIN = 2000;
/** A collection stops the thread for some tens of milliseconds. */
const INTERVAL_MS = 5000;
/** After this long without a change, what has come is there to stay. */
const SETTLED_MS = 2000;

/**
 * Gives memory back that the start of a thread, and the coming and going of many viewers and rooms, have left behind. A
 * thread that has nothing to do allocates nothing, and so the runtime would see no reason to collect it.
 */
export class Shrink {
  #objects = 0;
  #changedAt = 0;
  #peak = 0;
  /** Objects at the last collection; at first as if there had been many. */
  #kept = CHANGED_MIN;
  #collectedAt = Number.NEGATIVE_INFINITY;

  /** `objects`: viewers and rooms at present; `now`: monotonic ms. */
  look(objects: number, now: number): void {
    if (objects !== this.#objects || this.#changedAt === 0) this.#changedAt = now;
    this.#objects = objects;
    this.#peak = Math.max(this.#peak, objects);
    if (!this.#hasSettled(objects, now) && !this.#hasShrunk(objects)) return;
    if (now - this.#collectedAt < INTERVAL_MS) return;
    this.#collectedAt = now;
    this.#peak = objects;
    this.#kept = objects;
    Bun.gc(true);
  }

  #hasShrunk(objects: number): boolean {
    return objects <= this.#peak / 2 && this.#peak - objects >= CHANGED_MIN;
  }

  #hasSettled(objects: number, now: number): boolean {
    return Math.abs(objects - this.#kept) >= CHANGED_MIN && now - this.#changedAt >= SETTLED_MS;
  }
}
