import { assert } from "./assert.ts";
import { RING_BYTES_MAX, RING_BYTES_MIN, RING_CONSUMERS_MAX } from "./limits.ts";
import {
  CONSUMER_WORD,
  consumerLine,
  dataWord,
  RING_KIND,
  RING_MAGIC,
  RING_WORD,
  type RingKind,
} from "./ring-descriptor.ts";

/** A ring's memory as every party sees it: views of the whole buffer, and the numbers of its layout. */
export interface RingMemory {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly kind: RingKind;
  readonly capacityWords: number;
  readonly consumers: number;
  /** First word of the entries. */
  readonly data: number;
}

/**
 * Makes a ring. `capacityBytes` is a power of two. `start` is the position (in words) everything begins at; it is for
 * tests that cross the wrap of the 32-bit positions.
 */
export function createRing(
  kind: RingKind,
  capacityBytes: number,
  consumers: number,
  start: number,
): SharedArrayBuffer {
  assert(
    capacityBytes >= RING_BYTES_MIN &&
      capacityBytes <= RING_BYTES_MAX &&
      Number.isInteger(Math.log2(capacityBytes)),
    `a ring's capacity is a power of two from ${RING_BYTES_MIN} to ${RING_BYTES_MAX} bytes, not ${capacityBytes}`,
  );
  assert(
    Number.isInteger(consumers) && consumers >= 1 && consumers <= RING_CONSUMERS_MAX,
    `a ring has 1 to ${RING_CONSUMERS_MAX} consumers, not ${consumers}`,
  );
  const buffer = new SharedArrayBuffer(dataWord(consumers) * 4 + capacityBytes);
  const words = new Int32Array(buffer);
  words[RING_WORD.kind] = kind;
  words[RING_WORD.capacityWords] = capacityBytes / 4;
  words[RING_WORD.consumers] = consumers;
  words[RING_WORD.head] = start;
  for (let consumer = 0; consumer < consumers; consumer++) {
    words[consumerLine(consumer) + CONSUMER_WORD.position] = start;
    // The reader of an ingress ring is part of it from the first entry on; a broadcast ring's readers come and go.
    words[consumerLine(consumer) + CONSUMER_WORD.gating] = kind === RING_KIND.ingress ? 1 : 0;
  }
  Atomics.store(words, RING_WORD.magic, RING_MAGIC);
  return buffer;
}

/** Views of a ring that `createRing` made. `kind` is what the caller takes it for. */
export function openRing(buffer: SharedArrayBuffer, kind?: RingKind): RingMemory {
  const words = new Int32Array(buffer);
  assert(Atomics.load(words, RING_WORD.magic) === RING_MAGIC, "the buffer is not a ring");
  const found = (words[RING_WORD.kind] ?? 0) as RingKind;
  assert(kind === undefined || found === kind, "the buffer is a ring of the other kind");
  const consumers = words[RING_WORD.consumers] ?? 0;
  return {
    words,
    bytes: new Uint8Array(buffer),
    kind: found,
    capacityWords: words[RING_WORD.capacityWords] ?? 0,
    consumers,
    data: dataWord(consumers),
  };
}

/** How many words of the ring the slowest gating consumer still holds, seen from position `head`. 0 without consumers. */
export function heldWords(ring: RingMemory, head: number): number {
  let held = 0;
  for (let consumer = 0; consumer < ring.consumers; consumer++) {
    const line = consumerLine(consumer);
    if (Atomics.load(ring.words, line + CONSUMER_WORD.gating) === 0) continue;
    const behind = (head - Atomics.load(ring.words, line + CONSUMER_WORD.position)) | 0;
    if (behind > held) held = behind;
  }
  return held;
}
