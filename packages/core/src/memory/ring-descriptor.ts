/**
 * Layout of a shared ring. Units are words (4 bytes) of the `SharedArrayBuffer`; only offsets live here, the algorithm
 * is in `ring-producer.ts` and `ring-consumer.ts`.
 *
 *      word 0         32          64                64+32n            D             D+capacity
 *      ┌─────────────┬───────────┬───────────┬─ … ─┬─────────────────┬──────────────┐
 *      │ what it is  │ head      │ consumer 0│     │ consumer n−1    │ entries      │
 *      └─────────────┴───────────┴───────────┴─ … ─┴─────────────────┴──────────────┘
 *       written once  producer    each by its consumer                producer
 *
 * Every counter has 128 bytes to itself: two cache lines, because processors fetch the neighbour line as well, and a
 * counter that shared a line with another thread's would be thrown out of the cache by each of that thread's writes.
 *
 * Positions count words since the start and wrap as 32-bit integers, so they are compared by `(a - b) | 0`. The word of
 * position p is D + (p & (capacity − 1)).
 *
 *      31                                                            0
 *      ┌──────────────────────────────────────────────────────────────┐
 *      │ payload bytes L ≥ 0, or −W: W words of padding up to the end │   entry header
 *      ├──────────────────────────────────────────────────────────────┤
 *      │ payload, L bytes, rounded up to whole words                  │
 *      └──────────────────────────────────────────────────────────────┘
 *
 * An entry lies in one piece: where it does not fit before the end of the ring, padding fills the end and the entry
 * starts at the first word. Padding is committed only together with the entry behind it.
 */

export const RING_MAGIC = 0x52_4d_4b_44; // "DKMR"

export const RING_KIND = { ingress: 1, broadcast: 2 } as const;
export type RingKind = (typeof RING_KIND)[keyof typeof RING_KIND];

/** Words that a counter has to itself. */
export const RING_LINE_WORDS = 32;

export const RING_WORD = {
  magic: 0,
  kind: 1,
  capacityWords: 2,
  consumers: 3,
  head: RING_LINE_WORDS,
} as const;

/** Within a consumer's line: the position up to which entries may be overwritten, and whether anyone waits for it. */
export const CONSUMER_WORD = { position: 0, gating: 1 } as const;

/** First word of a consumer's line. */
export function consumerLine(consumer: number): number {
  return (2 + consumer) * RING_LINE_WORDS;
}

/** First word of the entries. */
export function dataWord(consumers: number): number {
  return consumerLine(consumers);
}
