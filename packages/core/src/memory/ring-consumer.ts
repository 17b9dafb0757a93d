import { assert } from "./assert.ts";
import { CONSUMER_WORD, consumerLine, RING_WORD, type RingKind } from "./ring-descriptor.ts";
import { openRing } from "./ring-memory.ts";

/**
 * A reading end of a ring.
 *
 * Thread contract: all methods belong to one thread, which is the only writer of this consumer's position. The load of
 * the head makes the entries before it readable by plain loads; it happens only when the entries known of are used up.
 * The store of the position in `release` hands the entries back to the producer, which may overwrite them from then on:
 * do it once per batch, and keep nothing that points into the ring afterwards.
 *
 * A consumer that takes over (its thread was restarted) goes on behind the last released entry.
 *
 * @hot guarded by `npm run bench -- ring`
 */
export abstract class RingConsumer {
  /** The whole buffer, for `index`. Reading only. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** The same as words: `words[index >> 2]`. */
  readonly words: Int32Array<SharedArrayBuffer>;
  /** Index of the current entry's first byte; a multiple of 4. */
  index = 0;
  /** Bytes of the current entry. */
  length = 0;
  /** Position behind the current entry. */
  position: number;

  readonly #data: number;
  readonly #mask: number;
  readonly #line: number;
  /** Head when it was last looked at. */
  #known: number;
  #released: number;

  protected constructor(buffer: SharedArrayBuffer, kind: RingKind, consumer: number) {
    const ring = openRing(buffer, kind);
    assert(consumer >= 0 && consumer < ring.consumers, `the ring has no consumer ${consumer}`);
    this.words = ring.words;
    this.bytes = ring.bytes;
    this.#data = ring.data;
    this.#mask = ring.capacityWords - 1;
    this.#line = consumerLine(consumer);
    this.position = Atomics.load(ring.words, this.#line + CONSUMER_WORD.position);
    this.#known = this.position;
    this.#released = this.position;
  }

  /** Goes on to the next entry and describes it in `index`, `length` and `position`; false where there is none yet. */
  next(): boolean {
    let at = this.position;
    if (at === this.#known && !this.#look()) return false;
    let word = this.#data + (at & this.#mask);
    let length = this.words[word] ?? 0;
    if (length < 0) {
      at = (at - length) | 0;
      word = this.#data;
      length = this.words[word] ?? 0;
    }
    this.index = (word + 1) << 2;
    this.length = length;
    this.position = (at + 1 + ((length + 3) >>> 2)) | 0;
    return true;
  }

  /** Whether nothing is left to read; looks at the head anew. The question for `Signal.sleep`. */
  isEmpty(): boolean {
    return this.position === this.#known && !this.#look();
  }

  /** Frees everything up to and including the current entry. */
  release(): void {
    if (this.position === this.#released) return;
    this.#released = this.position;
    Atomics.store(this.words, this.#line + CONSUMER_WORD.position, this.position);
  }

  /**
   * Starts over at the present head, as a consumer the producer waits for. The order of the four steps is what makes it
   * safe beside a running producer. If the producer's last look at the consumers came before step 2, it may fill the
   * ring up to its head of that moment plus the capacity; the head of step 3 is not before that one, so nothing from
   * there on is overwritten. If it came after step 2, it saw a position that is not behind the final one.
   */
  protected enter(): void {
    const { words } = this;
    Atomics.store(words, this.#line + CONSUMER_WORD.position, Atomics.load(words, RING_WORD.head)); // 1
    Atomics.store(words, this.#line + CONSUMER_WORD.gating, 1); // 2
    const head = Atomics.load(words, RING_WORD.head); // 3
    Atomics.store(words, this.#line + CONSUMER_WORD.position, head); // 4
    this.position = head;
    this.#known = head;
    this.#released = head;
  }

  /** Ends the producer's waiting for this consumer, and every entry it had not read. */
  protected leave(): void {
    Atomics.store(this.words, this.#line + CONSUMER_WORD.gating, 0);
    this.#known = this.position;
  }

  #look(): boolean {
    if (Atomics.load(this.words, this.#line + CONSUMER_WORD.gating) === 0) return false;
    this.#known = Atomics.load(this.words, RING_WORD.head);
    return this.#known !== this.position;
  }
}
