import { encodeGap, GAP_BYTES, GAP_REASONS } from "@danmakud/wire";

const SLOW = GAP_REASONS.indexOf("slow_consumer");

/** The most bytes that `records` records of `bytes` bytes in all and the gaps around them take. */
export function skipBytesMax(bytes: number, records: number): number {
  return bytes + (records + 1) * GAP_BYTES;
}

/** Writes `slow_consumer` gaps around the records that a skipping viewer gets all the same. */
export class SkipWriter {
  readonly bytes: Uint8Array;
  end = 0;
  records = 0;
  skipped = 0;
  #after: number;

  constructor(bytes: Uint8Array, after: number) {
    this.bytes = bytes;
    this.#after = after;
  }

  record(from: Uint8Array, at: number, stride: number, offset: number): void {
    this.#gapTo(offset - 1);
    this.bytes.set(from.subarray(at, at + stride), this.end);
    this.end += stride;
    this.records++;
    this.#after = offset;
  }

  close(through: number): void {
    this.#gapTo(through);
  }

  #gapTo(through: number): void {
    if (through <= this.#after) return;
    this.skipped += through - this.#after;
    this.end = encodeGap(this.bytes, this.end, this.#after + 1, through, SLOW);
    this.#after = through;
  }
}
