/**
 * Collects garbage while the worker has nothing under way, so that the runtime need not do it in the middle of a step,
 * where it holds up what was read. A worker with a backlog leaves it to the runtime, which is as quick as it can be then:
 * it is not to be idle, though it waits for a reply now and then.
 */
import { COLLECT_ALL_BYTES, COLLECT_ALL_KEPT_MAX, COLLECT_ENTRIES } from "./limits.ts";

/** A collector of a runtime; each call gives the bytes that it kept. */
export interface Collector {
  /** What was allocated since the last collection: about half a millisecond. */
  readonly young: () => number;
  /** Everything; takes as long as there is much to keep. */
  readonly all: () => number;
}

export class QuietCollector {
  readonly #collector: Collector;
  #entries = 0;
  #keptByAll = Number.POSITIVE_INFINITY;

  constructor(collector: Collector) {
    this.#collector = collector;
  }

  /** So many entries are done with. */
  note(entries: number): void {
    this.#entries += entries;
  }

  /** Nothing is under way: the moment to collect, if there is enough. */
  rest(): void {
    if (this.#entries < COLLECT_ENTRIES) return;
    this.#entries = 0;
    const kept = this.#collector.young();
    // What outlived a collection stays until all is collected, also where it was used for a moment only.
    if (kept < this.#keptByAll) this.#keptByAll = kept;
    if (kept - this.#keptByAll < COLLECT_ALL_BYTES || this.#keptByAll > COLLECT_ALL_KEPT_MAX) return;
    this.#keptByAll = this.#collector.all();
  }
}
