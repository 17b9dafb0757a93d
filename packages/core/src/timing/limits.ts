/** Bounds of the timing wheel, each with its reason. */
export const TIMING_LIMITS = {
  /** Pending timers of one wheel: 2^24 fit into a handle; a node's threads stay far below. */
  timersMax: 1 << 24,
  /** Timers moved or fired by one `advance`: under 1 ms of the wheel's own work, whatever has piled up. */
  workPerAdvance: 4096,
  /** Timers that one `advance` brings inwards before their time comes, so that no border between blocks is a burst. */
  preparedPerAdvance: 512,
  /** What the owner hands over with a timer: which of its concerns it is. */
  kindMax: 255,
} as const;

/** Bounds of a thread's timers, each with its reason. */
export const THREAD_TIMERS = {
  /**
   * Coarse timers fire at multiples of this: whole slots of the second wheel, so that those of one slot go straight into
   * the heap. Little against the seconds they wait, and long enough that many fire together.
   */
  coarseMs: 256,
  /** Timers moved or fired per turn of a thread: with a write for each (a ping) about 2 ms. */
  workPerTurn: 512,
  /** A thread that did not turn for so long stood still: it beats five times a second. */
  stallMs: 1000,
} as const;
