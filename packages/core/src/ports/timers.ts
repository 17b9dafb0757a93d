/** Calls by the clock, one timer for all of them; for what need not be exact. */
export interface Timers {
  /**
   * Has `run` called once, when `delayMs` have passed or up to half a second later, in a turn of the thread's loop. Returns
   * what `cancel` takes, which is never 0.
   */
  after(delayMs: number, run: () => void): number;
  /** Has `run` called every `intervalMs`, each time likewise. */
  every(intervalMs: number, run: () => void): number;
  /** Ends a call; one that was made already, or 0, is no mistake. */
  cancel(handle: number): void;
}
