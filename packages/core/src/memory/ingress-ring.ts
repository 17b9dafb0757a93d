import { RingConsumer } from "./ring-consumer.ts";
import { RING_KIND } from "./ring-descriptor.ts";
import { createRing } from "./ring-memory.ts";
import { RingProducer } from "./ring-producer.ts";

/**
 * Makes a ring for one producer and one consumer. `capacityBytes` is a power of two (1 KiB to 512 MiB). The consumer
 * gates from the start: nothing is lost that was committed before its thread ran.
 */
export function createIngressRing(capacityBytes: number, startPosition = 0): SharedArrayBuffer {
  return createRing(RING_KIND.ingress, capacityBytes, 1, startPosition);
}

/** Writes into an ingress ring; see `RingProducer` for the thread contract. Full = answer the publisher `overloaded`. */
export class IngressProducer extends RingProducer {
  constructor(buffer: SharedArrayBuffer) {
    super(buffer, RING_KIND.ingress);
  }
}

/** Reads an ingress ring; see `RingConsumer` for the thread contract. */
export class IngressConsumer extends RingConsumer {
  constructor(buffer: SharedArrayBuffer) {
    super(buffer, RING_KIND.ingress, 0);
  }
}
