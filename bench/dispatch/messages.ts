/** What the processes of the benchmark say to each other. */

/** The group of the baseline; the workers have theirs. */
export const RAW_GROUP = "raw";

/** A line of the baseline's output. */
export interface RawReport {
  readonly acked: number;
  /** On the clock of `performance.timeOrigin`. */
  readonly atMs: number;
  readonly latency: string;
}
