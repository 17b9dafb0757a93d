import { RING_WORD, type RingKind } from "./ring-descriptor.ts";
import { heldWords, openRing, type RingMemory } from "./ring-memory.ts";

/**
 * The writing end of a ring, of which there is exactly one at a time. Lock-free by the single-writer principle (LMAX
 * Disruptor; Agrona's one-to-one ring buffer).
 *
 * Thread contract: all methods belong to one thread. It is the only writer of the head and of every entry; consumers
 * write their own position. The store of the head in `commit` is sequentially consistent: it publishes the entries
 * written before it by plain stores, and orders them before the look at the sleeper's flag that follows in
 * `Signal.wake`. The loads of the consumers' positions make their reads of an entry happen before it is overwritten.
 * Both are rare: positions are read only when the space known to be free has run out, the head is stored once per batch.
 *
 * A producer that takes over a ring (its thread was restarted) goes on at the committed head; what the former one had
 * claimed and not committed never existed.
 *
 * @hot guarded by `npm run bench -- ring`
 */
export abstract class RingProducer {
  /** The whole buffer, for indexes from `claim`. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** The same as words: `words[index >> 2]`. */
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly capacityBytes: number;
  /** Largest payload. Half of the ring, so that an empty ring always takes it, padding included. */
  readonly payloadBytesMax: number;
  /** The committed head: position behind the last entry that consumers may see. */
  position: number;

  readonly #ring: RingMemory;
  readonly #data: number;
  readonly #capacity: number;
  readonly #mask: number;
  /** Position behind the last claimed entry; from `position` to here only this thread looks. */
  #claimed: number;
  /** Up to here the ring was free when the consumers were last asked. */
  #limit: number;

  protected constructor(buffer: SharedArrayBuffer, kind: RingKind) {
    const ring = openRing(buffer, kind);
    this.#ring = ring;
    this.words = ring.words;
    this.bytes = ring.bytes;
    this.capacityBytes = ring.capacityWords * 4;
    this.payloadBytesMax = this.capacityBytes / 2 - 4;
    this.#data = ring.data;
    this.#capacity = ring.capacityWords;
    this.#mask = ring.capacityWords - 1;
    this.position = Atomics.load(ring.words, RING_WORD.head);
    this.#claimed = this.position;
    this.#limit = this.position;
  }

  /**
   * Takes room for an entry of `bytes` and returns the index of its first byte in `bytes` (a multiple of 4), or −1 where
   * the ring is full. Full may mean: of what was claimed and not committed. Nobody sees the entry before `commit`.
   */
  claim(bytes: number): number {
    if (bytes >>> 0 > this.payloadBytesMax)
      throw new RangeError(`an entry of ${bytes} bytes does not fit the ring`);
    const need = 1 + ((bytes + 3) >>> 2);
    let at = this.#claimed;
    let offset = at & this.#mask;
    const untilEnd = this.#capacity - offset;
    const end = (at + (need > untilEnd ? untilEnd + need : need)) | 0;
    if (((this.#limit - end) | 0) < 0 && !this.#findRoom(end)) return -1;
    if (need > untilEnd) {
      this.words[this.#data + offset] = -untilEnd;
      at = (at + untilEnd) | 0;
      offset = 0;
    }
    const word = this.#data + offset;
    this.words[word] = bytes;
    this.#claimed = end;
    return (word + 1) << 2;
  }

  /** Shows the consumers every claim since the last commit, at once. Wake them after it. */
  commit(): void {
    if (this.#claimed === this.position) return;
    this.position = this.#claimed;
    Atomics.store(this.words, RING_WORD.head, this.#claimed);
  }

  /** Position behind the last claimed entry: `position` once it is committed. */
  get claimed(): number {
    return this.#claimed;
  }

  /** Whether a claim of `bytes` would succeed, wherever in the ring it comes to lie. */
  hasRoom(bytes: number): boolean {
    const end = (this.#claimed + 2 * (1 + ((bytes + 3) >>> 2))) | 0;
    return ((this.#limit - end) | 0) >= 0 || this.#findRoom(end);
  }

  /**
   * Asks the consumers. Without any, what is committed may be overwritten, but nothing that is not: a consumer that
   * attaches while this runs starts at the committed head or behind it (see `BroadcastConsumer.attachAtHead`).
   */
  #findRoom(end: number): boolean {
    const held = heldWords(this.#ring, this.position);
    this.#limit = (this.position - held + this.#capacity) | 0;
    return ((this.#limit - end) | 0) >= 0;
  }
}
