import { CONSUMER_WORD, consumerLine, RING_WORD } from "./ring-descriptor.ts";
import { heldWords, openRing } from "./ring-memory.ts";

/** A consumer as seen from outside. */
export interface RingConsumerState {
  readonly attached: boolean;
  /** Position up to which it has released; it stands still where the consumer hangs. */
  readonly position: number;
  /** Bytes between it and the head. */
  readonly behindBytes: number;
}

/** A ring as seen from outside. */
export interface RingState {
  readonly capacityBytes: number;
  /** Committed head. */
  readonly position: number;
  /** 0 to 1, by the slowest attached consumer. */
  readonly fill: number;
  readonly consumers: readonly RingConsumerState[];
}

/** A look at a ring from any thread, for metrics and supervision. The numbers are read one after another, not at once. */
export function ringState(buffer: SharedArrayBuffer): RingState {
  const ring = openRing(buffer);
  const consumers: RingConsumerState[] = [];
  for (let consumer = 0; consumer < ring.consumers; consumer++) {
    const line = consumerLine(consumer);
    const attached = Atomics.load(ring.words, line + CONSUMER_WORD.gating) !== 0;
    // The position before the head: the other way round a consumer could seem to be ahead of it.
    const position = Atomics.load(ring.words, line + CONSUMER_WORD.position);
    const behind = attached ? (Atomics.load(ring.words, RING_WORD.head) - position) | 0 : 0;
    consumers.push({ attached, position, behindBytes: behind * 4 });
  }
  const position = Atomics.load(ring.words, RING_WORD.head);
  return {
    capacityBytes: ring.capacityWords * 4,
    position,
    fill: Math.min(1, heldWords(ring, position) / ring.capacityWords),
    consumers,
  };
}
