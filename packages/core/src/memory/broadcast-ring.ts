import { assert } from "./assert.ts";
import { RingConsumer } from "./ring-consumer.ts";
import { CONSUMER_WORD, consumerLine, RING_KIND } from "./ring-descriptor.ts";
import { createRing, openRing } from "./ring-memory.ts";
import { RingProducer } from "./ring-producer.ts";

/**
 * Makes a ring for one producer and up to `consumers` consumers, each of which sees every entry committed while it was
 * attached. `capacityBytes` is a power of two (1 KiB to 512 MiB). At first nobody is attached and nothing is waited
 * for: let the consumers attach before the producer starts.
 */
export function createBroadcastRing(
  capacityBytes: number,
  consumers: number,
  startPosition = 0,
): SharedArrayBuffer {
  return createRing(RING_KIND.broadcast, capacityBytes, consumers, startPosition);
}

/** Writes into a broadcast ring; see `RingProducer` for the thread contract. Full = some consumer is that far behind. */
export class BroadcastProducer extends RingProducer {
  /** Consumers the ring was made for, attached or not. */
  readonly consumers: number;

  constructor(buffer: SharedArrayBuffer) {
    super(buffer, RING_KIND.broadcast);
    this.consumers = openRing(buffer, RING_KIND.broadcast).consumers;
  }
}

/**
 * Reads a broadcast ring as consumer number `consumer`; see `RingConsumer` for the thread contract. A detached consumer
 * finds no entries.
 */
export class BroadcastConsumer extends RingConsumer {
  constructor(buffer: SharedArrayBuffer, consumer: number) {
    super(buffer, RING_KIND.broadcast, consumer);
  }

  /** From the present head on the producer waits for this consumer, and this consumer sees every entry. */
  attachAtHead(): void {
    this.enter();
  }

  /** The producer no longer waits; entries not read yet are given up. */
  detach(): void {
    this.leave();
  }
}

/**
 * Detaches a consumer from outside, so that the producer does not wait for a thread that is gone. Only after that thread
 * was terminated: one that ran on would read entries while they are overwritten. Its successor attaches at the head.
 */
export function detachConsumer(buffer: SharedArrayBuffer, consumer: number): void {
  const ring = openRing(buffer, RING_KIND.broadcast);
  assert(consumer >= 0 && consumer < ring.consumers, `the ring has no consumer ${consumer}`);
  Atomics.store(ring.words, consumerLine(consumer) + CONSUMER_WORD.gating, 0);
}
