import { encodeGap, GAP_BYTES, GAP_REASONS, type GapReason } from "@danmakud/wire";
import type { LogPage, PageLimits } from "../ports/index.ts";

const START_BYTES = 16 * 1024;

/**
 * Puts a page together: records and gaps, in order of offset and without a hole. Takes at least one record or gap
 * whatever the limits, so that a reader always gets on.
 */
export class PageBuilder {
  readonly #limits: PageLimits;
  #bytes = new Uint8Array(START_BYTES);
  #size = 0;
  #count = 0;
  #next: number;

  /** `after`: everything up to this offset is accounted for already. */
  constructor(after: number, limits: PageLimits) {
    this.#next = after;
    this.#limits = limits;
  }

  /** Highest offset accounted for. */
  get next(): number {
    return this.#next;
  }

  /** How many more records may come. */
  get recordsLeft(): number {
    return this.#limits.recordsMax - this.#count;
  }

  /** Announces that what follows, up to `to`, will not come. False where the page is full. */
  gap(to: number, reason: GapReason): boolean {
    if (to <= this.#next) return true;
    if (!this.#fits(GAP_BYTES)) return false;
    this.#reserve(GAP_BYTES);
    this.#size = encodeGap(this.#bytes, this.#size, this.#next + 1, to, GAP_REASONS.indexOf(reason));
    this.#next = to;
    return true;
  }

  /** Takes a record, and announces the offsets skipped before it as `lost`. False where the page is full. */
  record(body: Uint8Array, at: number, stride: number, offset: number): boolean {
    const hole = offset > this.#next + 1;
    if (this.#count > 0 && this.#count >= this.#limits.recordsMax) return false;
    if (!this.#fits(hole ? GAP_BYTES + stride : stride)) return false;
    if (hole) this.gap(offset - 1, "lost");
    this.#reserve(stride);
    this.#bytes.set(body.subarray(at, at + stride), this.#size);
    this.#size += stride;
    this.#count++;
    this.#next = offset;
    return true;
  }

  finish(): LogPage {
    return { bytes: this.#bytes.slice(0, this.#size), next: this.#next, count: this.#count };
  }

  #fits(bytes: number): boolean {
    return this.#size === 0 || this.#size + bytes <= this.#limits.bytesMax;
  }

  #reserve(bytes: number): void {
    const needed = this.#size + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(2 ** Math.ceil(Math.log2(needed)));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }
}
