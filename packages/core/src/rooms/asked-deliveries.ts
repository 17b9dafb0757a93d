/**
 * Who on this node waits for scheduled danmaku of a room of the shared log to be delivered. Numbers in the log are a
 * room's own, so gateways know these by others: one for each danmaku that this node had wait.
 */
import { SHARED_LIMITS } from "./shared-limits.ts";

interface Delivery {
  readonly offset: number;
  readonly ts: number;
}

export class AskedDeliveries {
  /** What gateways know each by. */
  readonly #byNumber = new Map<number, number>();
  /** Deliveries that were told while an answer was on its way which may name them. */
  readonly #early = new Map<number, Delivery>();

  get size(): number {
    return this.#byNumber.size;
  }

  /** The danmaku `scheduled` waits: gateways know it by `asked`, unless they know it by another already, which is returned. */
  ask(scheduled: number, asked: number): number {
    const before = this.#byNumber.get(scheduled);
    if (before !== undefined) return before;
    this.#byNumber.set(scheduled, asked);
    return asked;
  }

  /** Nobody has to be told any more. Returns who was to be; 0 = nobody. */
  take(scheduled: number): number {
    const found = this.#byNumber.get(scheduled);
    this.#byNumber.delete(scheduled);
    return found ?? 0;
  }

  /** A delivery that nobody waits for, but may yet. */
  keepEarly(scheduled: number, offset: number, ts: number): void {
    if (this.#early.size < SHARED_LIMITS.earlyDeliveriesMax) this.#early.set(scheduled, { offset, ts });
  }

  early(scheduled: number): Delivery | undefined {
    return this.#early.get(scheduled);
  }

  /** No answer is on its way any more. */
  forgetEarly(): void {
    this.#early.clear();
  }

  /** Takes all. */
  takeAll(): number[] {
    const all = [...this.#byNumber.values()];
    this.#byNumber.clear();
    return all;
  }
}
