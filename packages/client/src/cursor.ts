import type { HelloRecord } from "@danmakud/wire";
import type { RoomPosition } from "./types.ts";

/** Where a viewer stands in a room's log, across connections. Decides what is new, and where to go on. */
export class Cursor {
  #epoch: string | undefined;
  /** Everything up to here is seen; where the next connection resumes. */
  #offset = 0;
  /** What is at or below is a duplicate. Lower than `#offset` only while the first `last` records are still to come. */
  #floor = -1;
  readonly #last: number;

  constructor(position: RoomPosition | undefined, last: number) {
    this.#last = last;
    if (position === undefined) return;
    this.#epoch = position.epoch;
    this.#offset = position.offset;
    this.#floor = position.offset;
  }

  get position(): RoomPosition | undefined {
    return this.#epoch === undefined ? undefined : { epoch: this.#epoch, offset: this.#offset };
  }

  /** Puts the start of the next connection into its query. */
  ask(query: URLSearchParams): void {
    if (this.#epoch !== undefined) {
      query.set("after", String(this.#offset));
      query.set("epoch", this.#epoch);
    } else if (this.#last > 0) {
      query.set("last", String(this.#last));
    }
  }

  hello(hello: HelloRecord): void {
    if (hello.resumed && hello.epoch === this.#epoch) return;
    // `last` is asked for only where there was no place to go on from, and its records lie at or below the head.
    // Cut off before any of them came, going on that far before the head misses nothing that is new.
    const behind = this.#epoch === undefined ? this.#last : 0;
    this.#offset = Math.max(0, hello.head - behind);
    this.#floor = behind > 0 ? -1 : hello.head;
    this.#epoch = hello.epoch;
  }

  /** Takes note of a record that reaches up to `offset`. False = it has been seen before. */
  advance(offset: number): boolean {
    if (offset <= this.#floor) return false;
    this.#floor = offset;
    this.#offset = offset;
    return true;
  }
}
