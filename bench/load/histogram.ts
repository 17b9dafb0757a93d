/** Latencies in microseconds, 3 significant digits, up to a minute. */
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from "hdr-histogram-js";

const MICROS_MAX = 60_000_000;

export class LatencyHistogram {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MICROS_MAX,
    numberOfSignificantValueDigits: 3,
  });

  record(micros: number): void {
    this.#histogram.recordValue(Math.min(Math.max(Math.round(micros), 1), MICROS_MAX));
  }

  reset(): void {
    this.#histogram.reset();
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** Milliseconds; 0 where nothing was recorded. */
  percentileMs(percent: number): number {
    return this.count === 0 ? 0 : this.#histogram.getValueAtPercentile(percent) / 1000;
  }

  toText(): string {
    return encodeIntoCompressedBase64(this.#histogram);
  }

  addText(text: string): void {
    this.#histogram.add(decodeFromCompressedBase64(text));
  }
}
